"""Scores of videos under each test protocol: zoetrope test against PyAV, numpy and PyTorch.

Packs the videos of a folder and synthetic ones, makes networks with random weights, runs `zoetrope test` with every
protocol and does the same work here, with nothing of ours in between: PyAV decodes and scales (libswscale, bilinear),
numpy chooses frames and crops as each origin does (videos.py, views.py), PyTorch computes. Scores of views must
agree to 1e-5.

usage: python3 scripts/peers/protocols.py --program .build/release/zoetrope --work DIR [--videos DIR] [--synthetic 50]
"""

import argparse
import json
import pathlib
import pickle
import subprocess
import sys

import numpy as np
import torch
from torch import nn
from safetensors.numpy import load_file

import recipes
from networks import both_pathways, randomised, slowfast
from videos import Video

parser = argparse.ArgumentParser()
parser.add_argument("--program", required=True)
parser.add_argument("--work", required=True, type=pathlib.Path)
parser.add_argument("--videos", type=pathlib.Path, help="a folder of videos, beside the synthetic ones")
parser.add_argument("--synthetic", type=int, default=50)
parser.add_argument("--only", help="cases whose names hold this text")
arguments = parser.parse_args()
work = arguments.work
work.mkdir(parents=True, exist_ok=True)
CLASSES = 8
torch.manual_seed(7)
torch.set_num_threads(1)


def zoetrope(*words):
    done = subprocess.run([arguments.program, *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, f"zoetrope {' '.join(map(str, words))}\n{done.stderr}"
    return done.stdout


# ----- networks


class Residual(nn.Module):
    """VMZ's simple 3D block."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv_1 = nn.Conv3d(inputs, outputs, 3, stride, 1, bias=False)
        self.spatbn_1 = nn.BatchNorm3d(outputs, eps=1e-3)
        self.conv_2 = nn.Conv3d(outputs, outputs, 3, 1, 1, bias=False)
        self.spatbn_2 = nn.BatchNorm3d(outputs, eps=1e-3)
        self.shortcut = None
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Conv3d(inputs, outputs, 1, stride, bias=False)
            self.shortcut_bn = nn.BatchNorm3d(outputs, eps=1e-3)

    def forward(self, x):
        y = self.spatbn_2(self.conv_2(torch.relu(self.spatbn_1(self.conv_1(x)))))
        return torch.relu(y + (x if self.shortcut is None else self.shortcut_bn(self.shortcut(x))))


class R3D10(nn.Module):
    """VMZ's R3D of depth 10 without its head, which the tests attach in two ways."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv3d(3, 64, (3, 7, 7), (1, 2, 2), (1, 3, 3), bias=False)
        self.bn1 = nn.BatchNorm3d(64, eps=1e-3)
        widths = [64, 64, 128, 256, 512]
        self.blocks = nn.ModuleList(Residual(widths[i], widths[i + 1], 1 if i == 0 else 2) for i in range(4))
        self.head = nn.Linear(512, CLASSES)

    def features(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        for block in self.blocks:
            x = block(x)
        return x

    def places(self, x, window):
        x = nn.functional.avg_pool3d(self.features(x), (x.shape[2] // 8, window, window), 1)
        return self.head(x.permute(0, 2, 3, 4, 1)).flatten(1, 3)  # [N, places, classes]

    def small(self, x):
        return self.head(self.features(x).mean((2, 3, 4))).softmax(1)

    def joint(self, x):
        places = self.places(x, 2)
        return places.flatten(1).softmax(1).view_as(places).mean(1)

    def separate(self, x):
        return self.places(x, 2).softmax(2).mean(1)

    def blobs(self):
        out = {}

        def norm(name, layer):
            out.update({f"{name}_s": layer.weight, f"{name}_b": layer.bias})
            out.update({f"{name}_rm": layer.running_mean, f"{name}_riv": layer.running_var})

        out["conv1_w"] = self.conv1.weight
        norm("conv1_spatbn_relu", self.bn1)
        for i, block in enumerate(self.blocks):
            for j in (1, 2):
                out[f"comp_{i}_conv_{j}_w"] = getattr(block, f"conv_{j}").weight
                norm(f"comp_{i}_spatbn_{j}", getattr(block, f"spatbn_{j}"))
            if block.shortcut is not None:
                out[f"shortcut_projection_{i}_w"] = block.shortcut.weight
                norm(f"shortcut_projection_{i}_spatbn", block.shortcut_bn)
        out[f"last_out_L{CLASSES}_w"], out[f"last_out_L{CLASSES}_b"] = self.head.weight, self.head.bias
        return {name: value.detach().numpy() for name, value in out.items()}


def slow(window):
    from pytorchvideo.models.resnet import create_resnet

    return create_resnet(
        model_num_class=CLASSES,
        stem_conv_kernel_size=(1, 7, 7),
        head_pool_kernel_size=window,
        stage_conv_a_kernel_size=((1, 1, 1), (1, 1, 1), (3, 1, 1), (3, 1, 1)),
        head_activation=None,
        head_output_with_global_average=False,
    )


def score_of_mean(network, pathways=None):
    """As pytorchvideo's networks end: the mean over the places comes before the softmax."""

    def run(x):
        logits = network(x if pathways is None else pathways(x))
        return logits.flatten(2).mean(2).softmax(1)

    return run


def score(video, case, run):
    with torch.no_grad():
        rows = [run(batch).double().numpy() for batch in video.batches(case)]
    if not rows:
        return None
    rows = np.concatenate(rows)
    return {"sum": rows.sum(0), "mean": rows.mean(0), "max": rows.max(0)}[case["aggregate"]]


# ----- the data set, and the cases

data = work / "data"
if not (data / "dataset.toml").exists():
    synthetic = work / "synthetic"
    per_class = -(-arguments.synthetic // CLASSES)
    zoetrope("data", "synth", "--out", synthetic, "--clips-per-class", per_class, "--seconds", 3, "--size", 96)
    files = sorted((synthetic / "videos").rglob("*.mp4"))[: arguments.synthetic]
    files += sorted(path for path in arguments.videos.iterdir() if path.suffix != ".md") if arguments.videos else []
    (work / "list.txt").write_text("".join(f"{path.resolve()} {i % CLASSES}\n" for i, path in enumerate(files)))
    zoetrope("data", "pack", "--list", work / "list.txt", "--split", "test", "--out", data)

vmz = randomised(R3D10(), 0.5)
with open(work / "r3d-10.pkl", "wb") as file:
    pickle.dump({"blobs": vmz.blobs()}, file, 2)
slow_network = randomised(slow((4, 2, 2)), 0.2)
torch.save({"model_state": slow_network.state_dict()}, work / "slow.pyth")
slowfast_network = randomised(slowfast(CLASSES, 2), 0.2)
torch.save({"model_state": slowfast_network.state_dict()}, work / "slowfast.pyth")

R3D = dict(name="r3d-10", file="r3d-10.pkl", frames=8, sampling=2, clips=10)
SLOW = dict(name="pytorchvideo/slow_r50", file="slow.pyth", frames=4, sampling=8, clips=10)
FAST = dict(name="pytorchvideo/slowfast_r50", file="slowfast.pyth", frames=32, sampling=2, clips=10)
cases = {
    "vmz-small": dict(R3D, protocol="vmz", crops=1, crop=32, exact=(48, 36), aggregate="mean", run=vmz.small, input=32),
    "vmz-large": dict(R3D, protocol="vmz", crops=3, crop=36, edge=36, aggregate="mean", run=vmz.joint, input=32),
    "vmz-large-corrected": dict(
        R3D, protocol="vmz", crops=3, crop=36, edge=36, aggregate="mean", run=vmz.separate, input=32
    ),
    "nonlocal": dict(
        SLOW, protocol="nonlocal", crops=3, crop=73, edge=73, aggregate="sum", run=score_of_mean(slow_network), input=64
    ),
    "slowfast": dict(
        SLOW, protocol="slowfast", crops=3, crop=73, edge=73, aggregate="sum", run=score_of_mean(slow_network), input=64
    ),
    "slowfast of two pathways": dict(
        FAST, protocol="slowfast", crops=3, crop=73, edge=73, aggregate="sum",
        run=score_of_mean(slowfast_network, both_pathways), input=64, videos=2,
    ),
}  # fmt: skip

failed = []
videos = {}
for name, case in cases.items():
    if arguments.only and arguments.only not in name:
        continue
    out = work / name.replace(" ", "-")
    recipe = work / "recipe.toml"
    test = name.split(" ")[0]
    width, height = (48, 36) if case["input"] == 32 else (128, 96)
    recipe.write_text(
        recipes.recipe(
            case["name"], CLASSES, frames=case["frames"], sampling=case["sampling"], crop=case["input"], width=width,
            height=height, protocol=test,
        )
    )  # fmt: skip
    result = zoetrope(
        "test", recipe, "--checkpoint", work / case["file"], "--data", data, "--split", "test", "--out", out, "--json"
    )
    table = load_file(out / "scores.safetensors")
    names = bytes(table["names"]).decode().split("\0")[:-1]
    worst, compared, untested = (0.0, ""), 0, []
    order = list(zip(names, table["scores"], table["views"]))
    if "videos" in case:
        order = [row for row in order if "synthetic" in row[0]]
    for path, ours, count in order[: case.get("videos", len(order))]:
        if count == 0:
            untested.append(pathlib.Path(path).name)
            continue
        video = videos.get(path)
        if video is None:
            video = videos[path] = Video(path)
        theirs = score(video, case, case["run"])
        # Scores of one view: a sum has as many roundings as views.
        scale = count if case["aggregate"] == "sum" else 1
        error = float(np.abs(ours - theirs).max()) / scale
        compared += 1
        if not error <= worst[0]:
            worst = (error, pathlib.Path(path).name)
        if not error <= 1e-5:
            failed.append(f"{name}: {path}: {error}")
    spread = float(table["scores"].std(0).mean()) / (30 if case["aggregate"] == "sum" else 1)
    print(
        f"{name}: {compared} videos, largest difference {worst[0]:.2e} ({worst[1]}); scores spread by {spread:.3f}; "
        f"not tested: {untested}",
        flush=True,
    )
print("\n".join(failed) or "all agree")
sys.exit(1 if failed else 0)
