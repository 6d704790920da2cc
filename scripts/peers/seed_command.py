"""The command line that tests a SlowFast network of PySlowFast's zoo, verbatim, against PyAV, numpy and PyTorch.

The command and the paths in it are those of docs/from-slowfast.md, run by a shell whose home is made here: a few videos, a
list of them as PySlowFast's, its configuration, and a Caffe2 pickle of random weights with PySlowFast's names of blobs.
The same network of pytorchvideo gives the scores of the same 30 views of each video, with nothing of ours in between. The
last layer is drawn so that the videos' scores differ, and the labels so that in turn a video is right, second, right and
wrong by far. The command must tell the accuracies of Python; scores of views must agree to 1e-4, and whether a video is right
must hang on a hundred times as much.

No video is as high as the test's crops: where rows are not scaled, FFmpeg's versions interpolate chroma in other ways.

usage: python3 scripts/peers/seed_command.py --program .build/release/zoetrope --work DIR [--videos 4] [--configuration FILE]
"""

import argparse
import os
import pathlib
import pickle
import re
import shlex
import shutil
import subprocess
import textwrap
import time

import av
import numpy as np
import torch
import yaml
from safetensors.numpy import load_file

from networks import both_pathways, randomised, slowfast
from videos import Video

TREE = pathlib.Path(__file__).resolve().parents[2]
TOLERANCE = 1e-4  # of a view's score
VIDEOS = [(320, 240, 30, 3.0), (240, 320, 25, 3.5), (480, 360, 30, 2.5), (426, 240, 24, 1.5)]  # the last: less than a clip

parser = argparse.ArgumentParser()
parser.add_argument("--program", required=True, type=pathlib.Path)
parser.add_argument("--work", required=True, type=pathlib.Path)
parser.add_argument("--videos", type=int, default=4)
parser.add_argument("--configuration", type=pathlib.Path, help="another SLOWFAST_8x8_R50.yaml, with smaller clips for a trial")
arguments = parser.parse_args()
if arguments.videos < 2:
    parser.error("--videos: choose 2 or more: the last layer is drawn by what they have not in common")
torch.manual_seed(7)
begun = time.monotonic()


def say(text):
    print(f"{time.monotonic() - begun:4.0f} s: {text}", flush=True)


# ----- the command, and where its paths are

document = (TREE / "docs/from-slowfast.md").read_text()
command = next(block.strip() for block in re.findall(r"```\w*\n(.*?)```", document, re.S) if "slowfast --cfg" in block)
words = shlex.split(command.replace("\\\n", ""))
home = (arguments.work / "home").resolve()
shutil.rmtree(home, ignore_errors=True)
keys = words[words.index("--opts") + 1 :]
options = {key: value.replace("~", str(home), 1) for key, value in zip(keys[::2], keys[1::2])}
configuration = pathlib.Path(words[words.index("--cfg") + 1].replace("~", str(home), 1))
lists = pathlib.Path(options["DATA.PATH_TO_DATA_DIR"])
weights = pathlib.Path(options["TEST.CHECKPOINT_FILE_PATH"])
run = home / "SlowFast"
for folder in (configuration.parent, lists, weights.parent, home / "bin"):
    folder.mkdir(parents=True)
(home / "bin" / "zoetrope").symlink_to(arguments.program.resolve())
if arguments.configuration:
    text = arguments.configuration.read_text()
else:
    swift = (TREE / "Tests/Compatibility/SlowFastConfigs.swift").read_text()
    text = textwrap.dedent(re.search(r'let slowFast8x8 = """\n(.*?)    """', swift, re.S)[1])
configuration.write_text(text)
keys = yaml.safe_load(text)
DATA, CLASSES = keys["DATA"], keys["MODEL"]["NUM_CLASSES"]
CASE = dict(
    protocol="slowfast", frames=DATA["NUM_FRAMES"], sampling=DATA["SAMPLING_RATE"], clips=10, crops=3,
    crop=DATA["TEST_CROP_SIZE"], edge=DATA["TEST_CROP_SIZE"],
)  # fmt: skip


def environment():
    return dict(os.environ, HOME=str(home), PATH=f"{home / 'bin'}:{os.environ['PATH']}")


# ----- videos


def write_video(path, width, height, rate, seconds, number):
    """Coloured patches that move, as H.264."""
    draws = np.random.default_rng(number)
    side = int(draws.integers(12, 60))
    patches = np.kron(draws.integers(0, 256, (24, 24, 3)), np.ones((side, side, 1))).astype(np.uint8)
    patches = np.tile(patches, (3, 3, 1))
    down, right = draws.integers(-6, 7, 2)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"threads": "1", "crf": "18"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for t in range(int(rate * seconds)):
            picture = np.roll(patches, (down * t, right * t), (0, 1))[:height, :width]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24")))
        container.mux(stream.encode())


paths = [lists / f"video-{number:06d}_000000_000010.mp4" for number in range(arguments.videos)]
for number, path in enumerate(paths):
    write_video(path, *VIDEOS[number % len(VIDEOS)], number)

# ----- scores of the same network in PyTorch

network = randomised(slowfast(CLASSES, DATA["TRAIN_CROP_SIZE"] // 32), 1)
head = network.blocks[-1]
last, head.proj = head.proj, torch.nn.Identity()
features = []  # [views, places, features] of each video
with torch.no_grad():
    for path in paths:
        views = [network(both_pathways(batch)) for batch in Video(path).batches(CASE)]
        features.append(torch.cat(views).flatten(2).transpose(1, 2))
        say(f"PyTorch: {path.name}, {len(features[-1])} views of {features[-1].shape[1]} places")
    # Logits of 3 around 0, by what the videos have not in common: classes differ, and none is certain.
    means = torch.stack([each.mean((0, 1)) for each in features])
    common = means.mean(0)
    last.weight.mul_(3 / ((means - common) @ last.weight.T).std())
    last.bias.copy_(-(last.weight @ common))
    scores = np.stack([last(each).softmax(2).mean(1).double().mean(0).numpy() for each in features])

head.proj = last

order = np.argsort(-scores, 1)
labels = [int(order[i, (0, 1, 0, CLASSES // 2)[i % 4]]) for i in range(len(paths))]


def accuracies(scores):
    ranks = [int((row > row[label]).sum()) for row, label in zip(scores, labels)]
    return [np.mean([rank < k for rank in ranks]) for k in (1, 5)]


for row, label in zip(scores, labels):
    for k in (1, 5):
        # The distance to the last of the best k, or to the best that is not.
        others = np.sort(np.delete(row, label))[::-1]
        margin = abs(row[label] - others[k - 1])
        assert margin > 100 * TOLERANCE, f"whether a video is right hangs on {margin:.1e}"
expected = accuracies(scores)

# ----- what the command reads

(lists / "test.csv").write_text("".join(f"{path} {label}\n" for path, label in zip(paths, labels)))


def blob(name):
    """PySlowFast's Caffe2 name of a tensor of pytorchvideo's SlowFast; nothing for counters."""
    ends = {"weight": "s", "bias": "b", "running_mean": "rm", "running_var": "riv"}
    *path, end = name.split(".")
    if end == "num_batches_tracked":
        return None
    if path[-1] == "proj":
        return f"pred_{end[0]}"
    stage, fast = int(path[1]) + 1, "t_" if path[3:4] == ["1"] else ""
    if path[2] == "multipathway_fusion":
        block = "t_pool1" if stage == 1 else f"t_res{stage}_{(2, 3, 5)[stage - 2]}_branch2c_bn"
        layer = f"{block}_subsample"
    elif stage == 1:
        layer = f"{fast}res_conv1" if path[-1] == "norm" else f"{fast}conv1"
    else:
        # branch1_conv, branch1_norm; branch2.conv_a, branch2.norm_a
        branch = path[6] + path[7][-1] if len(path) == 8 else "branch1"
        layer = f"{fast}res{stage}_{path[5]}_{branch}"
    return f"{layer}_bn_{ends[end]}" if "norm" in path[-1] else f"{layer}_w"


tensors = {blob(name): tensor.numpy() for name, tensor in network.state_dict().items() if blob(name)}
with open(weights, "wb") as file:
    pickle.dump({"blobs": tensors}, file, 2)

# ----- the command

run.mkdir(exist_ok=True)
done = subprocess.run(["bash", "-c", command], cwd=run, env=environment(), capture_output=True, text=True)
assert done.returncode == 0, f"{command}\nexit {done.returncode}\n{done.stderr}"
say(f"{command}\n{done.stdout.strip()}")
told = [float(number) / 100 for number in re.findall(r"video@[15] ([\d.]+) %", done.stdout)]

# It tells no scores: the recipe that it wrote, and the videos that it packed, give them.
packed, *others = lists.glob("zoetrope-cache/test-*/")
assert not others
out = arguments.work / "scores"
subprocess.run(
    ["zoetrope", "test", run / f"{configuration.stem}.toml", "--checkpoint", weights, "--data", packed, "--split", "test",
     "--out", out], env=environment(), check=True, capture_output=True,
)  # fmt: skip
table = load_file(out / "scores.safetensors")
names = bytes(table["names"]).decode().split("\0")[:-1]
assert (table["views"] == 30).all(), table["views"]
ours = {name: row / 30 for name, row in zip(names, table["scores"])}
ours = np.stack([ours[str(path)] for path in paths])
difference = float(np.abs(ours - scores).max())
say(f"Python: video@1 {expected[0]:.2%}, video@5 {expected[1]:.2%}; a view's scores differ by {difference:.1e} at most, of "
    f"up to {scores.max():.2f}; best classes {order[:, 0].tolist()}, labels {labels}")  # fmt: skip
assert difference <= TOLERANCE, "the scores differ"
assert accuracies(ours) == expected and np.allclose(told, expected, rtol=0, atol=5e-5), (told, expected)
print("the accuracies are the same")
