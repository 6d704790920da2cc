#!/usr/bin/env python3
"""Records what the origins of our networks say about them, for Tests/Models: parameters, their shapes, multiply-accumulates.

    python record-networks.py --reference DIR --peers DIR --slowfast DIR [--only vmz]

`--reference` holds vmz_graph.py, which rebuilds VMZ's graphs, and slowfast_tensors/*.tsv; `--peers` holds models.py, which builds
the networks of torchvision and pytorchvideo, and vmz_torch.py; `--slowfast` is a checkout of facebookresearch/SlowFast. Needs torch,
torchvision, pytorchvideo and fvcore. Nothing is computed: the networks run on PyTorch's meta device.

A file in Tests/Models/Fixtures has a section for each network:

    network r2plus1d-18 8x112               name, clip as frames x pixels, options as key=value
    parameters=33340000 weights=... macs=... of one clip
    zero=s[2-5].pathway0_res...             which scales start with 0, if any
    comp_[0-1,3]_spatbn_1_{s,b,rm,riv} 64   names and shape; [] holds numbers, {} endings

and `clip 2x112 macs=... map=512x1x7x7` for other clips.
"""
import argparse
import math
import re
import sys
import types
from collections import OrderedDict
from importlib.machinery import ModuleSpec
from pathlib import Path
from unittest.mock import MagicMock

p = argparse.ArgumentParser()
p.add_argument("--reference", required=True, type=Path)
p.add_argument("--peers", required=True, type=Path)
p.add_argument("--slowfast", required=True, type=Path)
p.add_argument("--only", choices=["vmz", "torchvision", "slowfast", "pytorchvideo"])
a = p.parse_args()
sys.dont_write_bytecode = True
sys.path[:0] = [str(a.reference), str(a.peers), str(a.slowfast)]
OUT = Path(__file__).resolve().parent.parent / "Tests/Models/Fixtures"

INDEX = re.compile(r"((?:comp|shortcut_projection)_|_res|_nonlocal|res_blocks\.)(\d+)")
ENDING = re.compile(r"(.*[_.])(s|b|rm|riv|w|weight|bias|running_mean|running_var)$")


def ranges(numbers):
    found = []
    for n in sorted(numbers):
        if found and found[-1][1] == n - 1:
            found[-1][1] = n
        else:
            found.append([n, n])
    return ",".join(str(x) if x == y else f"{x}-{y}" for x, y in found)


def folded(tensors):
    """Lines that stand for {name: shape}; `unfolded` in NetworkFixture.swift is the inverse."""
    ends = OrderedDict()
    for name, shape in tensors.items():
        base, end = ENDING.match(name).groups()
        ends.setdefault((base, shape), []).append(end)
    lines = OrderedDict()
    for (base, shape), endings in ends.items():
        index = INDEX.search(base)
        template = INDEX.sub(r"\1#", base, count=1)
        ending = endings[0] if len(endings) == 1 else "{" + ",".join(endings) + "}"
        lines.setdefault((template + ending, shape), []).append(int(index[2]) if index else None)
    out = []
    for (template, shape), numbers in lines.items():
        place = "" if numbers == [None] else str(numbers[0]) if len(numbers) == 1 else f"[{ranges(numbers)}]"
        out.append(f"{template.replace('#', place)} {'x'.join(map(str, shape))}")
    return out


def write(name, sections):
    OUT.mkdir(parents=True, exist_ok=True)
    head = "# Written by scripts/record-networks.py.\n"
    (OUT / f"{name}.txt").write_text(head + "".join("\n" + "\n".join(s) + "\n" for s in sections))
    print(f"{name}: {len(sections)} networks")


def vmz():
    import vmz_graph
    import vmz_torch
    import torch

    for name in vmz_torch.NAMES:
        for depth in vmz_torch.BLOCKS:
            if (name == "ir-csn" and depth not in (26, 50, 101, 152)) or (name == "c3d" and depth != 18):
                continue
            label = name if name == "c3d" else f"{name}-{depth}"
            first = (16, 112) if name == "c3d" else (8, 112)
            pool = name in vmz_torch.KINDS or name == "r2d"
            clips = [] if name == "c3d" else [(2, 112, 0), (3, 112, 0), (6, 112, 0), (16, 112, 0), (32, 112, 0), (16, 224, pool), (5, 57, 0)]
            g = vmz_graph.build(name, depth, *first)
            tensors = dict(g.blobs)
            lines = [
                f"network {label} {first[0]}x{first[1]}",
                f"parameters={sum(math.prod(s) for k, s in g.blobs if not k.endswith(('_rm', '_riv')))} weights={g.wp} macs={g.macs}",
                *folded(tensors),
            ]
            for frames, size, pool1 in clips:
                g = vmz_graph.build(name, depth, frames, size, pool1=bool(pool1))
                option = " pool1=true" if pool1 else ""
                lines.append(f"clip {frames}x{size}{option} macs={g.macs} map={'x'.join(map(str, g.final))}")
            yield lines
    # Options: the names from PyTorch's build of VMZ's graphs where vmz_graph has no such option.
    multiplied = [
        ("r2plus1d", 18, 8, 112, dict(channel_multiplier=0.5)), ("r3d", 50, 8, 112, dict(channel_multiplier=0.7, bottleneck_multiplier=1.3)),
        ("ir-csn", 26, 8, 112, dict(channel_multiplier=1.25)), ("ip-csn", 50, 4, 112, dict(bottleneck_multiplier=2.0)),
        ("r2plus1d", 50, 16, 112, dict(bottleneck_multiplier=0.3)),
        ("r3d", 18, 16, 112, dict(conv1_temporal_stride=2, conv1_temporal_kernel=5)),
        ("r2plus1d", 34, 8, 112, dict(conv1_temporal_stride=2)), ("ip-csn", 26, 8, 224, dict(pool1=True, conv1_temporal_kernel=5)),
        ("r2d", 18, 8, 224, dict(pool1=True)),
        ("ir-csn", 152, 32, 256, dict(pool1=True, convolutional_pred=True)), ("r2plus1d", 18, 16, 128, dict(convolutional_pred=True)),
        ("r3d", 26, 8, 256, dict(convolutional_pred=True, dropout=True)),
    ]
    for name, depth, frames, size, options in multiplied:
        with torch.device("meta"):
            net = vmz_torch.build(name, depth, 400, frames, size, **options)
            macs, _ = counted(net, torch.empty(1, 3, frames, size, size))
        tensors = {k: tuple(v.shape) for k, v in vmz_torch.blobs(net).items()}
        given = " ".join(f"{k}={str(v).lower()}" for k, v in options.items()).replace("convolutional_pred", "convolutional_head")
        yield [
            f"network {name}-{depth} {frames}x{size} {given.replace('dropout=true', 'dropout=0.5')}",
            f"parameters={sum(v.numel() for k, v in net.named_parameters())} "
            f"weights={sum(v.numel() for v in net.parameters() if v.dim() > 1)} macs={macs}",
            *folded(tensors),
        ]


def counted(net, *inputs):
    """Multiply-accumulates of convolutions and linear layers, and elements that batch norms see."""
    import torch

    total, normed = [0], [0]

    def hook(layer, _, out):
        if isinstance(layer, torch.nn.Conv3d):
            total[0] += out.numel() * layer.weight[0].numel()
        elif isinstance(layer, torch.nn.Linear):
            total[0] += out.numel() * layer.in_features
        elif isinstance(layer, torch.nn.BatchNorm3d):
            normed[0] += out.numel()

    hooks = [layer.register_forward_hook(hook) for layer in net.modules()]
    net.eval()(*inputs)
    for h in hooks:
        h.remove()
    return total[0], normed[0]


def section(label, net, frames, size, inputs, crops=()):
    """Of a PyTorch module; crops are sizes to count once more, `inputs` makes what the module takes."""
    tensors = {k: tuple(v.shape) for k, v in net.state_dict().items() if "num_batches" not in k}
    zeros = [k.removesuffix("weight") + "weight" for k, v in net.named_parameters() if v.dim() == 1 and k.endswith("weight") and not v.any()]
    net = net.to("meta")
    lines = [
        f"network {label} {frames}x{size}",
        f"parameters={sum(v.numel() for v in net.parameters())} weights={sum(v.numel() for v in net.parameters() if v.dim() > 1)} "
        f"macs={counted(net, inputs(frames, size))[0]}",
    ]
    if zeros:
        lines += ["zero=" + " ".join(x.rpartition(" ")[0] for x in folded({z: (1,) for z in zeros}))]
    lines += folded(tensors)
    for crop in crops:
        macs, normed = counted(net, inputs(frames, crop))
        lines.append(f"clip {frames}x{crop} macs={macs} normed={normed}")
    return lines


def torchvision():
    import models
    import torch

    for name in models.TORCHVISION:
        yield section(f"torchvision/{name}", models.build(name), 16, 112, lambda t, s: torch.empty(1, 3, t, s, s, device="meta"))


def pytorchvideo():
    import models
    import torch

    clips = dict(
        slow_r50=(8, 224), c2d_r50=(8, 224), i3d_r50=(8, 224), slowfast_r50=(32, 224), slowfast_r101=(32, 224),
        slowfast_16x8_r101_50_50=(64, 224), csn_r101=(32, 224), r2plus1d_r50=(16, 224), x3d_xs=(4, 160), x3d_s=(13, 160),
        x3d_m=(16, 224), x3d_l=(16, 312),
    )
    test = {160: 182, 224: 256, 312: 356}
    for name, (frames, size) in clips.items():

        def inputs(frames, size):
            clip = torch.empty(1, 3, frames, size, size, device="meta")
            if not name.startswith("slowfast"):
                return clip
            return [clip[:, :, : frames // 4], clip]

        yield section(f"pytorchvideo/{name}", models.build(name), frames, size, inputs, [test[size]])


def slowfast():
    import models  # noqa: F401  torchvision without its operators
    import torch

    class Absent(types.ModuleType):
        """Parts of SlowFast, and what it imports, that its networks do not need."""

        def __getattr__(self, name):
            if name.startswith("__"):
                raise AttributeError(name)
            return MagicMock()

    for name in ("fairscale", "fairscale.nn", "fairscale.nn.checkpoint", "detectron2", "detectron2.layers", "cv2", "psutil", "simplejson",
                 "sklearn", "sklearn.metrics", "pandas", "pytorchvideo.layers.distributed", "slowfast.utils.distributed",
                 "slowfast.models.ptv_model_builder", "slowfast.models.contrastive", "slowfast.models.masked", "slowfast.models.losses"):
        sys.modules[name] = Absent(name)
        sys.modules[name].__spec__ = ModuleSpec(name, None)
    import slowfast.models.video_model_builder  # noqa: F401
    from fvcore.common.config import CfgNode
    from slowfast.config.defaults import get_cfg
    from slowfast.models.build import MODEL_REGISTRY

    def tabulated(name):
        lines = (a.reference / f"slowfast_tensors/tensors_{name}.tsv").read_text().splitlines()[1:]
        rows = [line.split("\t") for line in lines]
        return {k: tuple(map(int, s.split("x"))) for k, s, *_ in rows if "num_batches" not in k}

    configs = {f.stem: f for f in sorted((a.slowfast / "configs/Kinetics").glob("*.yaml")) if f.stem[:3] in ("C2D", "I3D", "SLO", "X3D")}
    configs |= {f.stem: f for f in sorted((a.slowfast / "configs/Kinetics/c2").glob("*.yaml")) if f.stem not in configs}
    seen = set()
    for name, path in configs.items():
        if "IN1K" in name or "stepwise" in name:  # other recipes for the same networks
            continue
        cfg = get_cfg()
        text = path.read_text().replace("MODEL_NAME: ResNet_nopool", "MODEL_NAME: ResNet")
        if "ResNet_nopool" in path.read_text():  # SlowFast has no such class any more; these kernels without a pool are slow_c2d
            text = text.replace("ARCH: c2d", "ARCH: slow_c2d")
        cfg.merge_from_other_cfg(CfgNode.load_cfg(text))
        net = MODEL_REGISTRY.get(cfg.MODEL.MODEL_NAME)(cfg)

        def inputs(frames, size):
            clip = torch.empty(1, 3, frames, size, size, device="meta")
            return [clip[:, :, : frames // cfg.SLOWFAST.ALPHA], clip] if cfg.MODEL.ARCH == "slowfast" else [clip]

        yield section(f"slowfast/{name}", net, cfg.DATA.NUM_FRAMES, cfg.DATA.TRAIN_CROP_SIZE, inputs, [cfg.DATA.TEST_CROP_SIZE])
        tsv = a.reference / f"slowfast_tensors/tensors_{name}.tsv"
        if tsv.exists():
            seen.add(name)
            ours = {k: tuple(v.shape) for k, v in net.state_dict().items() if "num_batches" not in k}
            assert ours == tabulated(name), f"{tsv} differs from {path}"
    missing = {f.stem.removeprefix("tensors_") for f in (a.reference / "slowfast_tensors").glob("*.tsv")} - seen
    assert not missing, f"no configuration for {missing}"


for origin in (vmz, torchvision, slowfast, pytorchvideo):
    if a.only in (None, origin.__name__):
        write(origin.__name__, list(origin()))
