"""Frames and crops that the origins' tests take of a video, worked out with numpy and torch: one line for each case.

Written from the description of each origin (docs/testing.md), independent of the Swift code that is tested against it:
Tests/Clips/Fixtures/views.tsv holds what it printed.

usage: python3 scripts/peers/views.py > Tests/Clips/Fixtures/views.tsv
"""

import itertools
import json
import math

import numpy
import torch

f32 = numpy.float32


def vmz_frames(case, count):
    """floor(i * step) with a float step; frames of a clip are sampling_rate apart."""
    span = (case["frames"] - 1) * case["sampling"] + 1
    if count < span:
        return []
    step = f32(count - span) / f32(case["clips"] - 1) if case["clips"] > 1 else f32(0)
    starts = [int(numpy.floor(f32(i) * step)) for i in range(case["clips"])]
    return [[start + t * case["sampling"] for t in range(case["frames"])] for start in starts]


def nonlocal_frames(case, count):
    gap = f32(count) / f32(case["clips"])
    starts = [int(gap * f32(i)) % count for i in range(case["clips"])]
    return [[(start + t * case["sampling"]) % count for t in range(case["frames"])] for start in starts]


def slowfast_frames(case, count, stamps=None):
    rate, ticks, duration = case["rate"], case["ticks"], case["seconds"]
    size = max(1.0, case["sampling"] * case["frames"] / 30 * rate)
    stamps = stamps or [round(i * ticks / rate) for i in range(count)]

    def start_of(clip, frames):
        room = max(frames - size, 0)
        if case["protocol"] != "slowfast-offset":
            return room * clip / case["clips"]
        return math.floor(room / 2) if case["clips"] == 1 else clip * math.floor(room / (case["clips"] - 1))

    def choose(start, end, available):
        index = torch.linspace(start, end, case["frames"])
        return torch.clamp(index, 0, available - 1).long().tolist()

    clips = []
    for clip in range(case["clips"]):
        if duration > 0 and rate * duration > case["frames"] * case["sampling"]:
            start = start_of(clip, rate * duration)
            first, last = int(start * (ticks / rate)), int((start + size - 1) * (ticks / rate))
            decoded = [i for i, stamp in enumerate(stamps) if first <= stamp <= last]
            clips.append([decoded[k] for k in choose(0.0, size - 1, len(decoded))])
        else:
            start = start_of(clip, count)
            clips.append(choose(start, start + size - 1, count))
    return clips


def size_of(case):
    width, height, edge = case["width"], case["height"], case["edge"]
    short, long = min(width, height), max(width, height)
    if case["protocol"] == "vmz":
        other = math.floor(long * edge / short + 0.5)
    elif case["protocol"] == "nonlocal":
        other = int(f32(long) * (f32(edge) / f32(short)))
    else:
        other = math.floor(float(long) / short * edge)
    other = max(other, edge)
    return (edge, other) if width <= height else (other, edge)


def corners_of(case, width, height):
    crop, crops = case["crop"], case["crops"]
    x, y = width - crop, height - crop
    out = []
    for number in range(crops):
        place = number % 3
        if case["protocol"] == "nonlocal":
            left, top = x // 2, y // 2
            if crops > 1:
                left, top = (left, top * place) if top > 0 else (left * place, top)
        elif case["protocol"] == "vmz":
            left, top = x // 2, y // 2
            if crops > 1:
                left, top = (place * x // 2, top) if height < width else (left, place * y // 2)
        else:
            left, top = math.ceil(x / 2), math.ceil(y / 2)
            if crops > 1 and place != 1:
                if height > width:
                    top = 0 if place == 0 else y
                else:
                    left = 0 if place == 0 else x
        out.append([left, top, number >= 3])
    return out


frames_of = {
    "vmz": vmz_frames,
    "nonlocal": nonlocal_frames,
    "slowfast": slowfast_frames,
    "slowfast-offset": slowfast_frames,
}
shapes = [(8, 1), (32, 2), (8, 8), (16, 5), (13, 6), (4, 12)]
videos = [  # frames, rate, ticks, seconds that the stream claims
    (300, 30.0, 15360, 10.0),
    (250, 25.0, 12800, 10.0),
    (299, 30000 / 1001, 30000, 299 * 1001 / 30000),
    (240, 24000 / 1001, 24000, 0.0),
    (71, 30.0, 90000, 71 / 30),
    (40, 15.0, 15360, 40 / 15),
    (10, 10.0, 10240, 1.0),
    (601, 60.0, 15360, 601 / 60),
]
sizes = [(340, 256), (456, 256), (256, 456), (640, 360), (479, 361), (320, 240), (240, 320), (300, 300)]
columns = ["protocol", "frames", "sampling", "clips", "crops", "edge", "crop", "count", "rate", "ticks", "seconds"]
columns += ["width", "height", "views"]
print("\t".join(columns))
sizes = itertools.cycle(sizes)
for protocol in frames_of:
    for (frames, sampling), (count, rate, ticks, seconds) in itertools.product(shapes, videos):
        width, height = next(sizes)
        clips = 5 if count == 250 else 1 if count == 240 else 10
        crops = 1 if clips == 5 else 6 if protocol == "nonlocal" and count == 71 else 3
        edge, crop = (128, 112) if frames == 8 and sampling == 1 else (256, 224) if crops == 1 else (256, 256)
        case = dict(zip(columns, (protocol, frames, sampling, clips, crops, edge, crop, count, rate, ticks, seconds)))
        case.update(width=width, height=height)
        scaled = size_of(case)
        views = {"clips": frames_of[protocol](case, count), "size": scaled, "corners": corners_of(case, *scaled)}
        case["views"] = json.dumps(views, separators=(",", ":"))
        print("\t".join(str(case[column]) for column in columns))
