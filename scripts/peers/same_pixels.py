"""Logits of SlowFast-8x8-R50 with random weights: ours against PyTorch's on the very same pixels.

`zoetrope features` writes the clips that it made (the layer `input`) and their logits; PyTorch computes the logits of those
clips. So neither the choice of frames nor libswscale is in the difference. The same clips with PyAV's pixels, whose chroma
lies where the stream says (videos.py), show what that does to the scores.

usage: python3 scripts/peers/same_pixels.py --program .build/release/zoetrope --work DIR --videos FILE...
"""

import argparse
import json
import pathlib
import subprocess

import av
import numpy as np
import torch
from safetensors import safe_open

from networks import both_pathways, randomised, slowfast
from recipes import DEVIATION, MEAN, recipe

parser = argparse.ArgumentParser()
parser.add_argument("--program", required=True)
parser.add_argument("--work", required=True, type=pathlib.Path)
parser.add_argument("--videos", required=True, nargs="+")
arguments = parser.parse_args()
work = arguments.work
work.mkdir(parents=True, exist_ok=True)
CLASSES, FRAMES, RATE, SIZE, WIDTH, HEIGHT = 8, 32, 2, 64, 128, 96

torch.manual_seed(7)
network = randomised(slowfast(CLASSES, SIZE // 32), 0.2)
torch.save({"model_state": network.state_dict()}, work / "slowfast.pyth")
(work / "recipe.toml").write_text(recipe(
    "pytorchvideo/slowfast_r50", CLASSES, frames=FRAMES, sampling=RATE, crop=SIZE, width=WIDTH, height=HEIGHT))
out = work / "features.safetensors"
subprocess.run(
    [arguments.program, "features", "--checkpoint", work / "slowfast.pyth", "--recipe", work / "recipe.toml", "--clips",
     "3", "--layer", "input", "--layer", "logits", "--out", out, "--videos", *arguments.videos], check=True)
with safe_open(str(out), "pt") as file:
    clips, logits = file.get_tensor("input"), file.get_tensor("logits")
    rows = list(zip(file.get_tensor("video").tolist(), file.get_tensor("start_frame").tolist()))
    names = json.loads(file.metadata()["videos"])


def run(clip):
    x = clip.permute(3, 0, 1, 2)[None].contiguous()
    with torch.no_grad():
        return network(both_pathways(x)).flatten(1)[0]


worst = 0.0
for (video, start), clip, ours in zip(rows, clips, logits):
    theirs = run(clip)
    worst = max(worst, float((theirs - ours).abs().max()))
    with av.open(names[video]) as container:
        pictures = [
            frame.reformat(WIDTH, HEIGHT, "rgb24", interpolation="BILINEAR").to_ndarray()
            for frame in container.decode(video=0)]
    top, left = (HEIGHT - SIZE) // 2, (WIDTH - SIZE) // 2
    cut = np.stack([
        pictures[(start + RATE * t) % len(pictures)][top : top + SIZE, left : left + SIZE] for t in range(FRAMES)])
    off = np.abs(cut - (clip.numpy() * DEVIATION + MEAN))
    other = run(torch.from_numpy((cut.astype(np.float32) - MEAN) / DEVIATION))
    print(
        f"{names[video]} from {start}: logits on the same pixels differ by {float((theirs - ours).abs().max()):.1e}; PyAV's "
        f"pixels differ by {off.mean():.2f} on average, {off.max():.0f} at most, and with them the scores by "
        f"{float((other.softmax(0) - ours.softmax(0)).abs().max()):.1e}")
print(f"largest difference of logits on the same pixels: {worst:.1e}")
assert worst <= 1e-4, "the networks differ"
