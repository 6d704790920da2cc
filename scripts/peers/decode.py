"""Random training clips per second with decord or PyAV, one thread, from opening the file to RGB frames.

usage: zoetrope bench decode a.mp4 --peer "python3 scripts/peers/decode.py --decoder decord"
"""

import argparse
import json
import time

parser = argparse.ArgumentParser()
parser.add_argument("--decoder", choices=["decord", "pyav"], default="decord")
parser.add_argument("--plan", required=True, help="what zoetrope bench decode writes: the frames of each clip")
parser.add_argument("--shift", type=int, default=0, help="decode the frames so many further on: zoetrope must notice")
arguments = parser.parse_args()
plan = json.load(open(arguments.plan))
width, height = plan["width"], plan["height"]
for clip in plan["clips"]:
    clip["frames"] = [frame + arguments.shift for frame in clip["frames"]]


def with_decord(clip):
    reader = decord.VideoReader(clip["path"], num_threads=1, width=width, height=height)
    last = len(reader) - 1
    return reader.get_batch([min(frame, last) for frame in clip["frames"]]).asnumpy()


def with_pyav(clip):
    """Frames by their number, which PyAV knows as time: seek to the key frame before, and count on."""
    wanted = set(clip["frames"])
    with av.open(clip["path"]) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        rate = float(stream.average_rate)
        begin = float((stream.start_time or 0) * stream.time_base)
        container.seek(int((clip["frames"][0] / rate + begin) / stream.time_base), stream=stream)
        found = []
        for frame in container.decode(stream):
            number = round((float(frame.pts * stream.time_base) - begin) * rate)
            if number in wanted:
                found.append(frame.reformat(width, height, "rgb24").to_ndarray())
            if number >= clip["frames"][-1]:
                break
        return found


if arguments.decoder == "decord":
    import decord

    decode = with_decord
else:
    import av

    decode = with_pyav

decode(plan["clips"][0])
if plan.get("pixels"):
    with open(plan["pixels"], "wb") as file:
        for clip in plan["clips"]:
            for picture in decode(clip):
                file.write(picture.tobytes())
begun = time.perf_counter()
frames = sum(len(decode(clip)) for clip in plan["clips"])
seconds = time.perf_counter() - begun
print(json.dumps({"clips_per_s": len(plan["clips"]) / seconds, "frames": frames}))
