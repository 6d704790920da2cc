"""How far the gradients of a reference move when its clip and weights do a little: what no f32 program can be held to beat.

With the batch's own statistics a gradient jumps where an activation comes to the other side of a ReLU. PyTorch computes in
f64 here, so all that moves is what was moved: each weight and value of the clip by a normal deviate of 2^-BITS of it. f32
rounds at 2^-24, but after each operation of the network; choose the bits so that most of the changes are of the size of
PyTorch's own f32 error.

usage: python3 scripts/peers/conditioning.py --peers FOLDER --model NAME REFERENCE [--times 16] [--bits 22]

FOLDER and REFERENCE: models.py and a file of reference.py, as of docs/models.md.
"""

import argparse
import pathlib
import sys

import torch
import torch.nn.functional as F
from safetensors import safe_open

parser = argparse.ArgumentParser()
parser.add_argument("reference", type=pathlib.Path)
parser.add_argument("--peers", required=True, type=pathlib.Path)
parser.add_argument("--model", required=True)
parser.add_argument("--times", type=int, default=16)
parser.add_argument("--bits", type=int, default=22)
options = parser.parse_args()
sys.path.insert(0, str(options.peers))
import models  # noqa: E402

with safe_open(options.reference, "pt") as file:
    written = file.metadata()
    if written["model"] != options.model:
        sys.exit(f"{options.reference} is of {written['model']}, not of {options.model}")
    tensors = {key: file.get_tensor(key) for key in file.keys() if key.startswith("weight/")}
    clip, label = file.get_tensor("input").double(), file.get_tensor("label")
network = models.build(options.model, int(written["classes"]), int(written["frames"]), int(written["size"])).double().train()
for module in network.modules():
    if isinstance(module, torch.nn.Dropout):
        module.p = 0.0


def moved(values, generator):
    if generator is None:
        return values
    return values * (1 + 2.0**-options.bits * torch.randn(values.shape, generator=generator, dtype=torch.float64))


def gradients(generator):
    with torch.no_grad():
        for name, parameter in models.tensors(options.model, network).items():
            parameter.copy_(moved(tensors[f"weight/{name}"].double(), generator))
    network.zero_grad()
    logits = models.run(network, models.pathways(options.model, moved(clip, generator)))
    F.cross_entropy(logits, label).backward()
    found = models.tensors(options.model, network).values()
    return torch.cat([parameter.grad.flatten() for parameter in found if parameter.grad is not None])


truth = gradients(None)
changes = sorted(
    ((gradients(torch.Generator().manual_seed(seed)) - truth).norm() / truth.norm()).item() for seed in range(options.times)
)
print(options.model, " ".join(f"{change:.1e}" for change in changes))
