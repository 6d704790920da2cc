"""Seconds of a test of one video with PySlowFast's 30 views, SlowFast-8x8-R50 at 256x256, decoding included.

Three ways, in turn, each with the same threads: `zoetrope test` (the whole process, from its start to its end);
PyTorch compiled, which decodes the video once; PyTorch eager, which decodes the video for each view, as PySlowFast's loader
does (PyAV: it seeks, and decodes what the view needs). Both of PyTorch's are warm: imports, compilation and a first video
are not counted. Before that the layout and the number of views at once are chosen that are fastest for each.

usage: python3 scripts/peers/thirty_views.py --program .build/release/zoetrope --work DIR --video FILE [--pairs 5]
"""

import argparse
import copy
import pathlib
import statistics
import subprocess
import time

import av
import torch
from safetensors.numpy import load_file

import recipes
from networks import both_pathways, randomised, slowfast

parser = argparse.ArgumentParser()
parser.add_argument("--program", required=True)
parser.add_argument("--work", required=True, type=pathlib.Path)
parser.add_argument("--video", required=True, type=pathlib.Path)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--pairs", type=int, default=5)
parser.add_argument("--layout", choices=["channels_last", "contiguous"], help="of both, in place of trying which is faster")
parser.add_argument("--at-once", type=int, choices=[1, 3], help="views of both, in place of trying which is faster")
arguments = parser.parse_args()
work = arguments.work
work.mkdir(parents=True, exist_ok=True)
torch.manual_seed(7)
torch.set_num_threads(arguments.threads)
# One function serves all stages of the network; beyond the default of 8 shapes it would not be compiled any more.
torch._dynamo.config.recompile_limit = 64
CLASSES, CLIPS, FRAMES, SAMPLING, EDGE = 400, 10, 32, 2, 256
MEAN, DEVIATION = torch.tensor([recipes.MEAN] * 3), torch.tensor([recipes.DEVIATION] * 3)


def zoetrope(*words):
    done = subprocess.run([arguments.program, *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, f"zoetrope {' '.join(map(str, words))}\n{done.stderr}"
    return done.stdout


network = randomised(slowfast(CLASSES, 7), 0.2)
torch.save({"model_state": network.state_dict()}, work / "slowfast.pyth")
(work / "list.txt").write_text(f"{arguments.video.resolve()} 0\n")
if not (work / "data" / "dataset.toml").exists():
    zoetrope("data", "pack", "--list", work / "list.txt", "--split", "test", "--out", work / "data")
(work / "recipe.toml").write_text(
    recipes.recipe(
        "pytorchvideo/slowfast_r50", CLASSES, frames=FRAMES, sampling=SAMPLING, crop=224, width=340, height=256,
        protocol="slowfast",
    )
)  # fmt: skip


def ours():
    begin = time.perf_counter()
    zoetrope(
        "test", work / "recipe.toml", "--checkpoint", work / "slowfast.pyth", "--data", work / "data",
        "--split", "test", "--threads", arguments.threads, "--out", work / "out", "--json",
    )  # fmt: skip
    return time.perf_counter() - begin, torch.from_numpy(load_file(work / "out" / "scores.safetensors")["scores"][0])


# ----- the peer's video


def scaled(frame):
    short, long = sorted((frame.width, frame.height))
    other = int(long / short * EDGE)
    size = (EDGE, other) if frame.width <= frame.height else (other, EDGE)
    return torch.from_numpy(frame.reformat(*size, "rgb24", interpolation="BILINEAR").to_ndarray())


def opened():
    container = av.open(str(arguments.video))
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    stream.codec_context.thread_count = arguments.threads
    return container, stream


container, stream = opened()
RATE, TICK = float(stream.average_rate), float(stream.time_base)
COUNT = sum(1 for _ in container.decode(stream))
container.close()
SPAN = FRAMES * SAMPLING / 30 * RATE


def view(frames, first, crop):
    """[3, T, H, W] of a clip that begins at frame `first`, one of three crops along the longer side."""
    index = torch.clamp(torch.linspace(first, first + SPAN - 1, FRAMES), 0, len(frames) - 1).long()
    clip = torch.stack([frames[i] for i in index])
    room = max(clip.shape[1:3]) - EDGE
    at = (0, -(-room // 2), room)[crop]
    clip = clip[:, :, at : at + EDGE] if clip.shape[2] > clip.shape[1] else clip[:, at : at + EDGE]
    return ((clip.float() - MEAN) / DEVIATION).permute(3, 0, 1, 2)


def start_of(clip):
    return max(COUNT - SPAN, 0) * clip / CLIPS


def decoded_once():
    container, stream = opened()
    frames = [scaled(frame) for frame in container.decode(stream)]
    container.close()
    for clip in range(CLIPS):
        for crop in range(3):
            yield view(frames, start_of(clip), crop)


def decoded_for_each():
    for clip in range(CLIPS):
        for crop in range(3):
            container, stream = opened()
            first, last = start_of(clip) / RATE / TICK, (start_of(clip) + SPAN - 1) / RATE / TICK
            container.seek(max(int(first) - 1024, 0), stream=stream)
            frames = []
            for frame in container.decode(stream):
                if frame.pts >= first:
                    frames.append(scaled(frame))
                if frame.pts > last:
                    break
            container.close()
            yield view(frames, 0.0, crop)


def theirs(run, at_once, layout, views):
    begin = time.perf_counter()
    total, waiting = torch.zeros(CLASSES), []
    with torch.no_grad():
        for number, pixels in enumerate(views()):
            waiting.append(pixels)
            if len(waiting) == at_once or number == 3 * CLIPS - 1:
                batch = torch.stack(waiting).contiguous(memory_format=layout)
                scores = run(both_pathways(batch)).softmax(1)
                total += scores.flatten(2).mean(2).sum(0)
                waiting = []
    return time.perf_counter() - begin, total


def fastest(what, make, views):
    """The fastest of two layouts and two numbers of views at once, each warm."""
    best = None
    layouts = {"channels_last": torch.channels_last_3d, "contiguous": torch.contiguous_format}
    for name, layout in layouts.items():
        if arguments.layout not in (None, name):
            continue
        run = make(copy.deepcopy(network).to(memory_format=layout))
        for at_once in [arguments.at_once] if arguments.at_once else (1, 3):
            theirs(run, at_once, layout, views)
            seconds = theirs(run, at_once, layout, views)[0]
            print(f"{what}, {layout}, {at_once} at once: {seconds:.2f} s", flush=True)
            if best is None or seconds < best[0]:
                best = (seconds, run, at_once, layout)
    return best[1:]


ways = {}
for what, make, views in (
    ("eager, 30 decodings", lambda model: model, decoded_for_each),
    ("compiled, decoded once", torch.compile, decoded_once),
):
    ways[what] = (*fastest(what, make, views), views)
scores = ours()[1]
for what, way in ways.items():
    # Sums of 30 views' softmax; the pixels are PyAV's (see same_pixels.py).
    difference = (theirs(*way)[1] - scores).abs().max() / (3 * CLIPS)
    print(f"{what}: a view's scores differ by {difference:.1e} at most, of up to {scores.max() / (3 * CLIPS):.2f}")
ratios = {what: [] for what in ways}
for _ in range(arguments.pairs):
    mine = ours()[0]
    line = f"zoetrope {mine:.2f} s"
    for what, way in ways.items():
        seconds = theirs(*way)[0]
        ratios[what].append(seconds / mine)
        line += f"; {what} {seconds:.2f} s, {seconds / mine:.2f} times"
    print(line, flush=True)
for what, values in ratios.items():
    print(f"{what}: median {statistics.median(values):.2f} times zoetrope's seconds")
