"""Records what PyTorch's optimizers, schedules and losses compute: Tests/Fixtures/training/*.json, for our unit tests.

    python scripts/peers/optimizers.py

Everything is drawn here from a seed; the numbers are PyTorch's own in f32 on a processor.
"""

import json
import pathlib

import torch

FIXTURES = pathlib.Path("Tests/Fixtures/training")
STEPS, ELEMENTS = 12, 21


def write(name, value):
    FIXTURES.mkdir(parents=True, exist_ok=True)
    (FIXTURES / name).write_text(json.dumps(value, indent=None, separators=(", ", ": ")) + "\n")


def floats(tensor):
    return [float(x) for x in tensor.detach().reshape(-1)]


def optimizer_case(name, make, rates, clip_value=0.0, clip_norm=0.0):
    """A parameter under given gradients and rates; returns it after every step."""
    generator = torch.Generator().manual_seed(7)
    start = torch.randn(ELEMENTS, generator=generator)
    gradients = torch.randn(STEPS, ELEMENTS, generator=generator) * 0.7
    parameter = torch.nn.Parameter(start.clone())
    optimizer = make([parameter])
    after = []
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = rates[step]
        parameter.grad = gradients[step].clone()
        if clip_value:
            torch.nn.utils.clip_grad_value_([parameter], clip_value)
        if clip_norm:
            torch.nn.utils.clip_grad_norm_([parameter], clip_norm)
        optimizer.step()
        after.append(floats(parameter))
    return {
        "name": name, "rates": rates, "clip_value": clip_value, "start": floats(start),
        "gradients": [floats(g) for g in gradients], "after": after,
    }


falling = [0.1 * 0.8**step for step in range(STEPS)]
sgd = torch.optim.SGD
write(
    "optimizers.json",
    [
        optimizer_case("sgd", lambda p: sgd(p, 1, momentum=0.9, weight_decay=1e-2), falling),
        optimizer_case("sgd-nesterov", lambda p: sgd(p, 1, momentum=0.9, nesterov=True, weight_decay=1e-2), falling),
        optimizer_case("sgd-clipped", lambda p: sgd(p, 1, momentum=0.9), falling, clip_value=0.25),
        optimizer_case("adam", lambda p: torch.optim.Adam(p, 1, betas=(0.9, 0.99), eps=1e-6, weight_decay=1e-2), falling),
        optimizer_case(
            "adamw", lambda p: torch.optim.AdamW(p, 1, betas=(0.9, 0.99), eps=1e-6, weight_decay=5e-2), falling),
    ],
)


def schedule_case(name, make, epochs):
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = sgd([parameter], 0.4)
    schedule = make(optimizer)
    rates = []
    for _ in range(epochs):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return {"name": name, "highest": 0.4, "rates": rates}


lr = torch.optim.lr_scheduler
write(
    "schedules.json",
    [
        schedule_case("multi-step", lambda o: lr.MultiStepLR(o, [3, 7, 15], gamma=0.2), 20),
        schedule_case("steps", lambda o: lr.StepLR(o, 4, gamma=0.5), 20),
        schedule_case("cosine", lambda o: lr.CosineAnnealingLR(o, 20, eta_min=0.05), 20),
        schedule_case(
            "linear-then-cosine",
            lambda o: lr.SequentialLR(
                o, [lr.LinearLR(o, 0.25, 1.0, 5), lr.CosineAnnealingLR(o, 15, eta_min=0.05)], [5]),
            20),
    ],
)


def loss_case(name, targets, smoothing=0.0):
    """Cross-entropy of N rows of logits against class numbers, or against rows of probabilities."""
    generator = torch.Generator().manual_seed(11)
    logits = (torch.randn(4, 7, generator=generator) * 3).requires_grad_()
    loss = torch.nn.functional.cross_entropy(logits, targets, label_smoothing=smoothing)
    loss.backward()
    return {
        "name": name, "rows": 4, "classes": 7, "smoothing": smoothing, "logits": floats(logits),
        "targets": floats(targets.float()), "loss": loss.item(), "gradient": floats(logits.grad),
    }


labels = torch.tensor([3, 0, 6, 3])
soft = torch.softmax(torch.randn(4, 7, generator=torch.Generator().manual_seed(5)) * 2, 1)
write(
    "losses.json",
    [loss_case("plain", labels), loss_case("smoothed", labels, 0.1), loss_case("soft", soft)],
)
