"""Checkpoints and exported networks, between our program and the libraries that others use. Run by scripts/test-peers."""

import argparse
import gzip
import hashlib
import json
import pathlib
import pickle
import subprocess
import sys
import time
import traceback
import types
from collections import OrderedDict

import numpy as np
import onnx
import onnxruntime
import safetensors.torch
import torch

# torchvision's compiled operators may belong to another build of torch; its video models need none of them.
sys.modules.setdefault("torchvision._meta_registrations", types.ModuleType("_meta_registrations"))

FIXTURES = pathlib.Path("Tests/Fixtures/checkpoints")
# The names of the recorded digests, and of --to.
FORMATS = {
    "safetensors": "safetensors",
    "torchZip": "torch",
    "torchLegacy": "torch-legacy",
    "caffe2Pickle": "caffe2-pickle",
    "caffe2Minidb": "caffe2-minidb",
}
# Two implementations of the same f32 network differ by the order of their sums; the error grows with the root of the number
# of layers and of the products per sum. Of the largest logit:
TOLERANCE = 1e-4

parser = argparse.ArgumentParser()
parser.add_argument("--program", required=True)
parser.add_argument("--work", required=True)
parser.add_argument("--only", help="run the checks whose names hold this text")
arguments = parser.parse_args()
work = pathlib.Path(arguments.work)
tests = []


def test(function):
    tests.append(function)
    return function


def zoetrope(*words, expect=0):
    """What our program prints; `expect` is its exit code."""
    done = subprocess.run([arguments.program, *map(str, words)], capture_output=True, text=True)
    assert done.returncode == expect, f"zoetrope {' '.join(map(str, words))}: exit {done.returncode}\n{done.stderr}"
    return done.stdout


def convert(source, form, *more):
    """`source` in another format, by our program."""
    out = work / f"{pathlib.Path(source).name}.{form}"
    zoetrope("model", "convert", source, "--to", form, "--out", out, *more)
    return out


def bits(tensor):
    tensor = tensor.detach().contiguous()
    return tensor.dtype, tuple(tensor.shape), tensor.reshape(-1).view(torch.uint8).numpy().tobytes()


def same(ours, theirs):
    assert sorted(ours) == sorted(theirs), set(ours) ^ set(theirs)
    for name in theirs:
        assert bits(ours[name]) == bits(theirs[name]), f"{name} differs"


def blobs(path):
    with open(path, "rb") as file:
        content = pickle.load(file, encoding="latin1")
    assert list(content) == ["blobs"]
    return {name: torch.from_numpy(np.array(value)) for name, value in content["blobs"].items()}


def every_type(bfloat=True):
    tensors = OrderedDict(safetensors.torch.load_file(FIXTURES / "every-type.safetensors"))
    if bfloat:
        tensors["bf16"] = torch.tensor([1.0, -0.0, 3.5], dtype=torch.bfloat16)
    return tensors


def randomised(model, seed):
    """A network whose every tensor, counters too, has values of its own."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if name.endswith("num_batches_tracked"):
                tensor.fill_(seed)
            elif name.endswith("running_var"):
                tensor.uniform_(0.5, 1.5)
            elif tensor.dim() == 1:
                tensor.add_(0.1 * torch.randn_like(tensor))
    return model.eval()


def torchvision_model(classes=7):
    import torchvision.models.video as video

    return randomised(video.r2plus1d_18(num_classes=classes), 3)


def pytorchvideo_model(name, classes=7):
    import pytorchvideo.models.hub as hub

    return randomised(getattr(hub, name)(pretrained=False, model_num_class=classes), 4)


# What we write.


@test
def recorded_files_are_those_that_libraries_read():
    recorded = dict(line.split() for line in open(FIXTURES / "digests") if not line.startswith("#"))
    assert sorted(recorded) == sorted(FORMATS)
    expected = every_type(bfloat=False)
    for name, form in FORMATS.items():
        path = convert(FIXTURES / "every-type.safetensors", form)
        assert hashlib.sha256(path.read_bytes()).hexdigest() == recorded[name], f"{name}: another digest than recorded"
        if form.startswith("torch"):
            same(torch.load(path, weights_only=True), expected)
        elif form == "safetensors":
            same(safetensors.torch.load_file(path), expected)
        elif form == "caffe2-pickle":
            same(blobs(path), expected)


@test
def torch_maps_our_zip_and_writes_the_same_pickle():
    import io
    import zipfile

    source = work / "bf.safetensors"
    safetensors.torch.save_file(every_type(), source)
    path = convert(source, "torch")
    tensors = torch.load(path, weights_only=True, mmap=True)
    same(tensors, every_type())
    theirs = io.BytesIO()
    torch.save(OrderedDict((name, every_type()[name]) for name in tensors), theirs)
    with zipfile.ZipFile(path) as ours, zipfile.ZipFile(theirs) as theirs:
        assert ours.testzip() is None
        for name in ours.namelist():
            assert ours.read(name) == theirs.read(name), name


@test
def a_key_stands_around_the_tensors():
    path = convert(FIXTURES / "every-type.safetensors", "torch", "--key", "model_state")
    same(torch.load(path, weights_only=True)["model_state"], every_type(bfloat=False))


def strict(model, name, form, source_form):
    """A file of `model` in another format, converted by us for the network `name`, loads strictly into a fresh one."""
    source = work / "model.pth"
    torch.save(model.state_dict(), source)
    if source_form != "torch":
        source = convert(source, source_form)
    path = work / "strict.pth"
    zoetrope("model", "convert", source, "--to", form, "--out", path, "--model", name)
    state = torch.load(path, weights_only=True)
    with torch.no_grad():
        for tensor in (fresh := type_of(model)).state_dict().values():
            tensor.zero_()
    fresh.load_state_dict(state, strict=True)
    ours = {key: value for key, value in fresh.state_dict().items() if not key.endswith("num_batches_tracked")}
    theirs = {key: value for key, value in model.state_dict().items() if not key.endswith("num_batches_tracked")}
    same(ours, theirs)


def type_of(model):
    import copy

    return copy.deepcopy(model)


@test
def torchvision_loads_ours_strictly():
    strict(torchvision_model(), "torchvision/r2plus1d_18", "torch", "safetensors")


@test
def pytorchvideo_loads_ours_strictly_x3d_xs():
    strict(pytorchvideo_model("x3d_xs"), "pytorchvideo/x3d_xs", "torch", "torch-legacy")


@test
def pytorchvideo_loads_ours_strictly_slow_r50():
    strict(pytorchvideo_model("slow_r50"), "pytorchvideo/slow_r50", "torch-legacy", "caffe2-minidb")


# What they write.


def reads(path):
    """Our reading of a file, by way of safetensors."""
    return safetensors.torch.load_file(convert(path, "safetensors"))


@test
def we_read_torchs_zip():
    torch.save(every_type(), work / "zip.pth")
    same(reads(work / "zip.pth"), every_type())


@test
def we_read_torchs_legacy_file():
    torch.save(every_type(), work / "legacy.pth", _use_new_zipfile_serialization=False)
    same(reads(work / "legacy.pth"), every_type())


@test
def we_read_views_and_shared_storages():
    base = torch.arange(60.0)
    state = {
        "model_state": OrderedDict(
            whole=base.reshape(3, 4, 5),
            turned=base.reshape(3, 4, 5).permute(2, 0, 1),
            part=base[7:19].reshape(3, 4)[:, 1:3],
            parameter=torch.nn.Parameter(base[::3]),
        ),
        "epoch": 3,
        "cfg": "TRAIN:\n  ENABLE: True\n",
    }
    expected = {name: tensor.detach().clone() for name, tensor in state["model_state"].items()}
    for number, zipped in enumerate([True, False]):
        path = work / f"views{number}.pyth"
        torch.save(state, path, _use_new_zipfile_serialization=zipped)
        same(reads(path), expected)


@test
def we_read_whole_networks():
    model = pytorchvideo_model("x3d_xs")
    torch.save({"model_state": model.state_dict()}, work / "x3d.pyth")
    same(reads(work / "x3d.pyth"), model.state_dict())


@test
def we_read_pickles_of_every_protocol():
    expected = every_type(bfloat=False)
    arrays = {name: tensor.numpy() for name, tensor in expected.items()}
    arrays["fortran"] = np.asfortranarray(np.arange(12, dtype=np.float32).reshape(3, 4))
    expected["fortran"] = torch.from_numpy(np.ascontiguousarray(arrays["fortran"]))
    for protocol in range(6):
        path = work / f"protocol{protocol}.pkl"
        with open(path, "wb") as file:
            pickle.dump({"blobs": arrays}, file, protocol=protocol)
        same(reads(path), expected)


@test
def we_read_safetensors():
    safetensors.torch.save_file(every_type(), work / "st.safetensors")
    same(reads(work / "st.safetensors"), every_type())


@test
def we_read_what_gzip_holds():
    torch.save(every_type(), work / "inner.pth")
    path = work / "outer.pth.gz"
    path.write_bytes(gzip.compress((work / "inner.pth").read_bytes()))
    same(reads(path), every_type())


@test
def comparing_tells_what_differs():
    first = every_type()
    second = every_type()
    second["conv.weight"] = second["conv.weight"] + 0.5
    del second["u8"]
    torch.save(first, work / "first.pth")
    safetensors.torch.save_file(second, work / "second.safetensors")
    told = json.loads(zoetrope("model", "compare", work / "first.pth", work / "second.safetensors", "--json", expect=65))
    assert not told["equal"] and told["missing"] == ["u8"] and told["unexpected"] == []
    assert [d["tensor"] for d in told["differing"]] == ["conv.weight"]
    assert told["differing"][0]["largest_difference"] == 0.5
    same_file = convert(work / "first.pth", "torch-legacy")
    assert json.loads(zoetrope("model", "compare", work / "first.pth", same_file, "--json"))["equal"]


# Networks in onnxruntime.


def runs_alike(name, model, forward, *options):
    """onnxruntime's logits of the exported network against ours; with `forward`, also PyTorch's."""
    source = work / "weights.pth"
    torch.save(model.state_dict() if model is not None else None, source)
    exported, sample = work / "network.onnx", work / "sample.safetensors"
    zoetrope("model", "export", name, "--checkpoint", source, "--onnx", exported, "--sample", sample, *options)
    onnx.checker.check_model(onnx.load(exported), full_check=True)
    recorded = safetensors.torch.load_file(sample)
    session = onnxruntime.InferenceSession(str(exported), providers=["CPUExecutionProvider"])
    theirs = session.run(None, {"clips": recorded["clips"].numpy()})[0]
    ours = recorded["logits"].numpy()
    largest = float(np.abs(ours).max())
    error = float(np.abs(theirs - ours).max()) / largest
    assert theirs.shape == ours.shape and error <= TOLERANCE, f"{name}: {error:.1e} of {largest:.2f}"
    one = session.run(None, {"clips": recorded["clips"].numpy()[1:]})[0]
    assert float(np.abs(one - ours[1:]).max()) <= TOLERANCE * largest, f"{name}: one clip alone differs"
    said = f"{name}: onnxruntime within {error:.1e}"
    if forward is not None:
        with torch.no_grad():
            truth = forward(recorded["clips"]).numpy()
        torch_error = float(np.abs(truth - ours).max()) / largest
        assert torch_error <= TOLERANCE, f"{name}: PyTorch differs by {torch_error:.1e}"
        said += f", PyTorch within {torch_error:.1e}"
    print("    " + said)


def without_softmax(model):
    """pytorchvideo's X3D ends with a softmax in evaluation; logits are what is compared."""
    model.blocks[-1].activation = None
    return model


@test
def onnxruntime_runs_r2plus1d():
    model = torchvision_model()
    runs_alike("torchvision/r2plus1d_18", model, model, "--frames", "8", "--size", "56")


@test
def onnxruntime_runs_x3d():
    model = without_softmax(pytorchvideo_model("x3d_xs"))
    runs_alike("pytorchvideo/x3d_xs", model, model)


@test
def onnxruntime_runs_slow():
    model = pytorchvideo_model("slow_r50")
    runs_alike("pytorchvideo/slow_r50", model, model)


@test
def onnxruntime_runs_slowfast():
    model = pytorchvideo_model("slowfast_r50")

    def forward(clips):
        frames = torch.linspace(0, clips.shape[2] - 1, clips.shape[2] // 4).long()
        return model([clips.index_select(2, frames), clips])

    runs_alike("pytorchvideo/slowfast_r50", model, forward)


tests = [function for function in tests if (arguments.only or "") in function.__name__]
failed = 0
for function in tests:
    begun = time.monotonic()
    try:
        function()
        print(f"ok      {function.__name__} ({time.monotonic() - begun:.1f} s)", flush=True)
    except Exception:
        failed += 1
        traceback.print_exc()
        print(f"FAILED  {function.__name__}", flush=True)
print(f"{len(tests) - failed} passed, {failed} failed")
sys.exit(1 if failed else 0)
