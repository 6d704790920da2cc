"""What the real TensorBoard makes of RUN/tensorboard: a small run is trained, stopped, and continued; then TensorBoard's
server is asked for its tags and values, which must be those of RUN/metrics.jsonl.

Needs tensorboard and pillow from PyPI.
"""
import argparse
import io
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request

import PIL.Image

RECIPE = str(pathlib.Path(__file__).resolve().parents[2] / "recipes/motion/r2plus1d-10-8x56.toml")


def train(program, work):
    data, run = os.path.join(work, "events-data"), os.path.join(work, "events-run")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([program, "data", "synth", "--out", data, "--classes", "4", "--clips-per-class", "8", "--seconds", "1",
                    "--size", "48", "--seed", "1"], check=True, **quiet)
    command = [program, "train", RECIPE, "input.crop=32", "input.frames=4", "model.channel_multiplier=0.25",
               "schedule.epochs=0.5", "schedule.steps=12", "checkpoint.every_steps=4", "validation.every_epochs=0.01",
               "--data", data, "--run", run]
    first = subprocess.Popen(command, **quiet)
    metrics = os.path.join(run, "metrics.jsonl")
    end = time.monotonic() + 300
    while not os.path.exists(metrics) or len(open(metrics).readlines()) < 3:
        assert time.monotonic() < end and first.poll() is None, "the first part of the run ended, or takes too long"
        time.sleep(0.02)
    first.terminate()
    code = first.wait()
    assert code == 75, f"the first part of the run ended with {code}"
    subprocess.run(command, check=True, **quiet)
    return run, [json.loads(line) for line in open(metrics)]


def serve(run):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    child = subprocess.Popen([sys.executable, "-m", "tensorboard.main", "--logdir", run, "--port", str(port), "--host",
                              "127.0.0.1", "--load_fast=false"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return child, f"http://127.0.0.1:{port}/data/"


def get(url, body=None):
    request = urllib.request.Request(url, data=body and json.dumps(body).encode(), headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--work", required=True)
    arguments = parser.parse_args()
    os.makedirs(arguments.work, exist_ok=True)
    run, steps = train(arguments.program, arguments.work)
    files = os.listdir(os.path.join(run, "tensorboard"))
    assert len(files) == 2, f"two coordinators, but {files}"
    server, url = serve(run)
    try:
        wanted = {"loss", "accuracy", "learning_rate", "gradient_norm", "speed/clips_per_s", "speed/seconds_per_step",
                  "cluster/workers"}
        end = time.monotonic() + 120
        while True:
            try:
                tags = get(url + "plugin/scalars/tags").get("tensorboard", {})
                histograms = get(url + "plugin/histograms/tags").get("tensorboard", {})
                if wanted <= set(tags) and histograms:
                    break
            except OSError:
                tags = {}
            assert time.monotonic() < end, f"TensorBoard lists {sorted(tags)}, wanted {sorted(wanted)}"
            time.sleep(0.5)
        for tag, key in (("loss", "loss"), ("accuracy", "accuracy"), ("learning_rate", "learning_rate"),
                         ("gradient_norm", "gradient_norm"), ("cluster/workers", "workers")):
            points = get(f"{url}plugin/scalars/scalars?run=tensorboard&tag={urllib.parse.quote(tag, safe='')}")
            assert [p[1] for p in points] == [s["step"] for s in steps], f"{tag}: steps {[p[1] for p in points]}"
            for point, step in zip(points, steps):
                # A scalar of TensorBoard is a float32.
                assert abs(point[2] - step[key]) <= 6e-8 * abs(step[key]) + 1e-30, f"{tag}: {point} is not {step[key]}"
        weights = [tag for tag in histograms if tag.startswith("weights/")]
        assert any("conv1" in tag for tag in weights), f"histograms {sorted(histograms)[:5]}"
        shown = get(f"{url}plugin/histograms/histograms?run=tensorboard&tag={urllib.parse.quote(weights[0], safe='')}")
        counts = {sum(bucket[2] for bucket in at[2]) for at in shown}
        assert len(counts) == 1 and counts.pop() > 0, f"{weights[0]} has other numbers of weights at other steps"
        texts = get(url + "plugin/text/tags")["tensorboard"]
        assert any(tag.startswith("recipe") for tag in texts), f"texts {texts}"
        pictures = get(url + "plugin/images/tags")["tensorboard"]
        clips = sorted(tag for tag in pictures if tag.startswith("clips/"))
        assert len(clips) == 4, f"pictures {sorted(pictures)}"
        for tag in clips:
            [shown] = get(f"{url}plugin/images/images?run=tensorboard&tag={urllib.parse.quote(tag, safe='')}&sample=0")
            with urllib.request.urlopen(f"{url}plugin/images/individualImage?{shown['query']}", timeout=20) as answer:
                gif = PIL.Image.open(io.BytesIO(answer.read()))
            assert (gif.format, gif.n_frames, gif.size) == ("GIF", 4, (32, 32)), f"{tag}: {gif}"
            for frame in range(gif.n_frames):
                gif.seek(frame)
                assert len(set(gif.convert("RGB").tobytes())) > 1, f"{tag}: frame {frame} is empty"
        validated = [json.loads(line) for line in open(os.path.join(run, "validation.jsonl"))]
        [matrix] = [tag for tag in pictures if tag.startswith("validation/confusion")]
        shown = get(f"{url}plugin/images/images?run=tensorboard&tag={urllib.parse.quote(matrix, safe='')}&sample=0")
        assert [s["step"] for s in shown] == [v["step"] for v in validated] and validated, f"{shown}, {validated}"
        for at, line in zip(shown, validated):
            with urllib.request.urlopen(f"{url}plugin/images/individualImage?{at['query']}", timeout=20) as answer:
                picture = PIL.Image.open(io.BytesIO(answer.read())).convert("RGB")
            assert picture.size == (512, 512), f"{matrix}: {picture}"
            # Blue where videos were taken for what they are; the grey of a class without videos is nearly none.
            right = [picture.getpixel((k * 128 + 64, k * 128 + 64)) for k in range(4)]
            assert any(blue > red + 15 for red, _, blue in right) == (line["video_top1"] > 0), f"{right}, {line}"
        groups = get(url + "plugin/hparams/session_groups", {
            "experimentName": "", "allowedStatuses": ["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING"],
            "colParams": [], "startIndex": 0, "sliceSize": 10})["sessionGroups"]
        parameters = groups[0]["hparams"]
        assert parameters["optimizer.learning_rate"] == 0.03 and parameters["model.name"] == "r2plus1d-10", parameters
        status = groups[0]["sessions"][0]["status"]
        assert status == "STATUS_SUCCESS", status
        print(f"TensorBoard {__import__('tensorboard').__version__} shows {len(tags)} scalars of {len(steps)} steps, "
              f"{len(weights)} histograms, {len(clips)} clips, {len(shown)} confusion matrices, {len(texts)} text, {len(parameters)} hyper-parameters")
    finally:
        server.kill()
        server.wait()


main()
