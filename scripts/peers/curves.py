"""Training curves: our program and PyTorch on the same recipe, first weights and clips in the same order.

    python scripts/peers/curves.py --program .build/release/zoetrope --work FOLDER [--steps 200]

The network is torchvision's R(2+1)D-18. Both begin with weights that we trained for `--warm-steps` and exported: in the
first hundred steps from nothing the loss stands still until some rounding tips it over, and PyTorch's own runs part from
one another. PyTorch runs three times: in f32, in f64, and in f32 with the clips of each batch in
another order, which only changes roundings. Our curve (means over 20 steps) must lie within the envelope of these three,
widened by 0.02 ln(classes), and our video@1 on the val split within two points of theirs.
"""

import argparse
import json
import math
import pathlib
import subprocess
import sys
import types

import torch
from safetensors.torch import load_file

# torchvision's compiled operators may belong to another build of torch; its video models need none of them.
sys.modules.setdefault("torchvision._meta_registrations", types.ModuleType("_meta_registrations"))
from torchvision.models.video import r2plus1d_18

parser = argparse.ArgumentParser()
parser.add_argument("--program", required=True)
parser.add_argument("--work", required=True)
parser.add_argument("--recipe", default="recipes/motion/r2plus1d-10-8x56.toml")
parser.add_argument("--steps", type=int, default=200)
parser.add_argument("--classes", type=int, default=4)
parser.add_argument("--clips-per-class", type=int, default=400)
parser.add_argument("--batch", type=int, default=8)
parser.add_argument("--workers", type=int, default=1)
parser.add_argument("--warm-steps", type=int, default=600)
arguments = parser.parse_args()
work = pathlib.Path(arguments.work)
work.mkdir(parents=True, exist_ok=True)
RATE, WARM_RATE, MOMENTUM, DECAY, WINDOW = 0.002, 0.01, 0.9, 1e-4, 20


def zoetrope(*words):
    done = subprocess.run([arguments.program, *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, f"zoetrope {' '.join(map(str, words))}: exit {done.returncode}\n{done.stderr}"
    return json.loads(done.stdout.strip().splitlines()[-1])


def model(dtype):
    network = r2plus1d_18(weights=None, num_classes=arguments.classes)
    network.load_state_dict(torch.load(weights, weights_only=True))
    return network.to(dtype)


def rate(step):
    """Half a cosine, with PyTorch's own formula in f64."""
    return RATE * 0.5 * (1 + math.cos(math.pi * step / arguments.steps))


data, weights = work / "data", work / "weights.pth"
if not (data / "dataset.toml").exists():
    zoetrope("data", "synth", "--out", data, "--classes", arguments.classes, "--clips-per-class",
             arguments.clips_per_class, "--seconds", 1, "--size", 32, "--seed", 3, "--json")
first = work / "first.pth"
torch.manual_seed(3)
torch.save(r2plus1d_18(weights=None, num_classes=arguments.classes).state_dict(), first)


def recipe_of(start, steps, rate):
    return [
        arguments.recipe, "model.name=torchvision/r2plus1d_18", f'model.weights="{start}"', "input.width=32",
        "input.height=32", "input.crop=28", "batch.units=1", f"batch.clips_per_unit={arguments.batch}",
        f"schedule.steps={steps}", "schedule.kind=cosine", "schedule.warmup_epochs=0",
        f"optimizer.learning_rate={rate}", f"optimizer.momentum={MOMENTUM}", "optimizer.rate_in_momentum=false",
        "optimizer.nesterov=true", f"optimizer.weight_decay={DECAY}",
        'optimizer.weight_decay_on=["weight", "bias", "scale", "shift"]', "checkpoint.every_steps=1000",
    ]


# Another recipe would be refused in the same folder.
suffix = f"{arguments.warm_steps}-{arguments.steps}-{arguments.batch}"
if arguments.warm_steps:
    warm = work / f"warm-{suffix}"
    zoetrope("train", *recipe_of(first, arguments.warm_steps, WARM_RATE), "--data", data, "--run", warm,
             "--workers", arguments.workers, "--json")
    zoetrope("model", "convert", warm, "--to", "torch", "--model", "torchvision/r2plus1d_18", "--out", weights,
             "--json")
else:
    weights.write_bytes(first.read_bytes())
recipe = recipe_of(weights, arguments.steps, RATE)
run = work / f"run-{suffix}"
zoetrope("train", *recipe, "--data", data, "--run", run, "--workers", arguments.workers, "--json")
ours = [json.loads(line)["loss"] for line in (run / "metrics.jsonl").read_text().splitlines()]
tested = zoetrope("test", *recipe, "--checkpoint", run, "--data", data, "--clips", 1, "--json")

clips, val = work / "clips.safetensors", work / "val.safetensors"
zoetrope("data", "clips", *recipe, "--data", data, "--count", arguments.steps * arguments.batch, "--out", clips, "--json")
zoetrope("data", "clips", *recipe, "--data", data, "--split", "val", "--uniform", 1, "--count", tested["videos"],
         "--out", val, "--json")
clips, val = load_file(clips), load_file(val)


def train(dtype, permuted):
    network = model(dtype)
    network.train()
    optimizer = torch.optim.SGD(network.parameters(), RATE, momentum=MOMENTUM, nesterov=True, weight_decay=DECAY)
    generator = torch.Generator().manual_seed(1)
    losses = []
    for step in range(arguments.steps):
        places = torch.arange(step * arguments.batch, (step + 1) * arguments.batch)
        if permuted:
            places = places[torch.randperm(arguments.batch, generator=generator)]
        for group in optimizer.param_groups:
            group["lr"] = rate(step)
        x = clips["clips"][places].permute(0, 4, 1, 2, 3).to(dtype)
        loss = torch.nn.functional.cross_entropy(network(x), clips["labels"][places])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    network.eval()
    with torch.no_grad():
        right = sum(
            int((network(x.permute(0, 4, 1, 2, 3).to(dtype)).argmax(1) == label).sum())
            for x, label in zip(val["clips"].split(16), val["labels"].split(16)))
    return losses, right / len(val["labels"])


def means(losses):
    return [sum(losses[i:i + WINDOW]) / WINDOW for i in range(len(losses) - WINDOW + 1)]


theirs = {
    "f32": train(torch.float32, False), "f64": train(torch.float64, False), "permuted": train(torch.float32, True),
}
curves = [means(losses) for losses, _ in theirs.values()]
margin = 0.02 * math.log(arguments.classes)
worst = max(
    max(mine - max(others), min(others) - mine)
    for mine, *others in zip(means(ours), *curves))
print(f"first loss: ours {ours[0]:.7f}, " + ", ".join(f"{name} {losses[0]:.7f}" for name, (losses, _) in theirs.items()))
for first in range(0, arguments.steps - WINDOW + 1, WINDOW):
    print(f"steps {first + 1}-{first + WINDOW}: ours {means(ours)[first]:.4f}, "
          + ", ".join(f"{name} {curve[first]:.4f}" for name, curve in zip(theirs, curves)))
top1 = {name: score for name, (_, score) in theirs.items()}
print(f"video@1 of {len(val['labels'])}: ours {tested['video_top1']:.4f}, "
      + ", ".join(f"{name} {score:.4f}" for name, score in top1.items()))
print(f"outside the envelope by at most {worst:.4f}; {margin:.4f} is allowed")
off = max(0, tested["video_top1"] - max(top1.values()), min(top1.values()) - tested["video_top1"])
assert worst <= margin, "the curve leaves the envelope"
assert off <= 0.02 + 1e-9, f"video@1 is off by {off}"
