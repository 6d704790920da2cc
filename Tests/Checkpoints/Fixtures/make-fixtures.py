"""Makes the checkpoints in this folder and expected.tsv, which says what they hold.

Run once by hand with Python 3, numpy, torch and safetensors; the files are kept, so that the tests need none of these.
What Python 2 wrote is put together opcode by opcode: cPickle of protocol 0, 1 and 2.
"""

import collections
import gzip
import io
import pathlib
import pickle
import struct
import sys
import zipfile

import numpy as np
import torch
from safetensors.numpy import save as save_safetensors

HERE = pathlib.Path(__file__).parent
TYPES = {
    "float16": "F16", "float32": "F32", "float64": "F64", "int8": "I8", "int16": "I16", "int32": "I32", "int64": "I64",
    "uint8": "U8", "uint16": "U16", "uint32": "U32", "uint64": "U64", "bool": "BOOL", "bfloat16": "BF16",
    "float8_e5m2": "F8_E5M2", "float8_e4m3fn": "F8_E4M3",
}
expected = []


def describe(value):
    """Type, shape and row-major little-endian bytes of an array or tensor."""
    if isinstance(value, torch.Tensor):
        name = str(value.dtype).split(".")[1]
        flat = value.detach().contiguous().reshape(-1).clone()
        data = bytes(flat.view(torch.uint8).numpy()) if flat.numel() else b""
        return TYPES[name], list(value.shape), data
    little = value.astype(value.dtype.newbyteorder("<"))
    return TYPES[value.dtype.name], list(value.shape), little.tobytes(order="C")


def keep(name, content, form, tensors, metadata=None):
    (HERE / name).write_bytes(content)
    expected.append(f"{name}\t{form}\tfile\t{'1' if content[:2] == bytes([31, 139]) else '0'}\t")
    for key, value in tensors.items():
        kind, shape, data = describe(value)
        expected.append(f"{name}\t{key}\t{kind}\t{','.join(map(str, shape))}\t{data.hex()}")
    for key, value in (metadata or {}).items():
        expected.append(f"{name}\t{key}\tmetadata\t{value}\t")


# ---- Pickles of Python 3 -------------------------------------------------------------------------------------------

ramp = np.arange(6, dtype="f4").reshape(2, 3) - 2.5
blobs = collections.OrderedDict(
    conv1_w=ramp.reshape(2, 1, 1, 1, 3),
    column_major=np.asfortranarray(np.arange(12, dtype="f4").reshape(2, 3, 2)),
    permuted=np.arange(24, dtype="f4").reshape(2, 3, 4).transpose(1, 0, 2),
    sliced=np.arange(12, dtype="i4").reshape(3, 4)[:, ::2],
    big=ramp.astype(">f4"), half=ramp.astype("f2"), double=ramp.astype("f8"), big_double=ramp.astype(">f8"),
    byte=np.arange(250, 256, dtype="u1"), sign=np.array([-1, 1], "i1"), short=np.array([-300], "i2"),
    long=np.array(-(1 << 40), "i8"), flag=np.array([True, False]), empty=np.zeros((0, 4), "f4"),
    unsigned=np.array([1 << 31], ">u4"),
)
scalars = {"lr": np.float64(0.1), "model_iter": 240000, "half_lr": np.float16(0.5), "done": True, "seed": np.int64(-5)}
facts = {"lr": "0.1", "model_iter": "240000", "half_lr": "0.5", "done": "true", "seed": "-5"}
for protocol in range(6):
    content = pickle.dumps({"blobs": {**blobs, **scalars, "names": np.array(["a"])}, "note": "caf\u00e9 \u20ac\\u"}, protocol)
    keep(f"caffe2-python3-protocol{protocol}.pkl", content, "caffe2Pickle", blobs, {**facts, "note": "caf\u00e9 \u20ac\\u"})
bare = {"fc_w": ramp, "fc_b": ramp[0], "lr": 0.25, "wide": 1 << 70}
keep("caffe2-bare.pkl", pickle.dumps(bare, 2), "caffe2Pickle", {"fc_w": ramp, "fc_b": ramp[0]}, {"lr": "0.25"})

# ---- Pickles of Python 2: str is bytes, longs have an L ---------------------------------------------------------------


def python2(protocol):
    """cPickle.dumps({'blobs': {...}}, protocol), with what Python 2.7 and its NumPy put where."""
    out, memo = io.BytesIO(), [0]
    if protocol == 2:
        out.write(b"\x80\x02")

    def put():
        memo[0] += 1
        if protocol == 0:
            out.write(b"p%d\n" % memo[0])
        else:
            out.write(b"q" + bytes([memo[0]]) if memo[0] < 256 else b"r" + struct.pack("<I", memo[0]))

    def text(data):
        if protocol == 0:
            quoted = repr(data)[1:].encode("ascii")
            out.write(b"S" + quoted + b"\n")
        else:
            out.write(b"U" + bytes([len(data)]) + data if len(data) < 256 else b"T" + struct.pack("<i", len(data)) + data)
        put()

    def integer(value):
        if protocol == 0:
            out.write(b"I%d\n" % value)
        elif 0 <= value < 256:
            out.write(b"K" + bytes([value]))
        elif 0 <= value < 65536:
            out.write(b"M" + struct.pack("<H", value))
        else:
            out.write(b"J" + struct.pack("<i", value))

    def long(value):
        if protocol < 2:
            out.write(b"L%dL\n" % value)
        else:
            data = value.to_bytes((value.bit_length() + 8) // 8, "little", signed=True) if value else b""
            out.write(b"\x8a" + bytes([len(data)]) + data)

    def name(module, attribute):
        out.write(b"c" + module + b"\n" + attribute + b"\n")
        put()

    def many(*parts):
        if protocol == 2 and 0 < len(parts) <= 3:
            for part in parts:
                part()
            out.write(bytes([0x84 + len(parts)]))
        elif not parts and protocol:
            out.write(b")")
            return
        else:
            out.write(b"(")
            for part in parts:
                part()
            out.write(b"t")
        put()

    def dtype(code, order):
        name(b"numpy", b"dtype")
        many(lambda: text(code), lambda: integer(0), lambda: integer(1))
        out.write(b"R")
        put()
        none = lambda: out.write(b"N")
        many(lambda: integer(3), lambda: text(order), none, none, none, lambda: integer(-1), lambda: integer(-1), lambda: integer(0))
        out.write(b"b")

    def array(value):
        name(b"numpy.core.multiarray", b"_reconstruct")
        many(lambda: name(b"numpy", b"ndarray"), lambda: many(lambda: integer(0)), lambda: text(b"b"))
        out.write(b"R")
        put()
        order = {"<": b"<", ">": b">", "=": b"<", "|": b"|"}[value.dtype.byteorder]
        fortran = value.flags.f_contiguous and not value.flags.c_contiguous
        many(
            lambda: integer(1), lambda: many(*[lambda n=n: long(n) for n in value.shape]),
            lambda: dtype(value.dtype.str[1:].encode(), order),
            # Protocol 2 has opcodes for booleans, the others integers of two digits.
            lambda: out.write((b"\x88" if fortran else b"\x89") if protocol == 2 else (b"I01\n" if fortran else b"I00\n")),
            lambda: text(value.tobytes(order="F" if fortran else "C")),
        )
        out.write(b"b")

    def dictionary(pairs):
        out.write(b"(d" if protocol == 0 else b"}")
        put()
        if protocol:
            out.write(b"(")
        for key, write in pairs:
            text(key)
            write()
            if protocol == 0:
                out.write(b"s")
        if protocol:
            out.write(b"u")

    # What one value of a class without content looks like: a call that must stay one.
    stranger = lambda: (out.write(b"(i__main__\nConfig\n"), put())
    real = lambda value: lambda: out.write(
        b"F" + repr(value).encode() + b"\n" if protocol == 0 else b"G" + struct.pack(">d", value))
    entries = [(key.encode(), lambda value=value: array(value)) for key, value in py2.items()]
    dictionary([
        (b"blobs", lambda: dictionary(entries + [(b"lr", real(0.01)), (b"caf\xe9", lambda: text(b"d\xe9\n'\"\\"))])),
        (b"model_iter", lambda: long(1 << 33)), (b"config", stranger),
    ])
    out.write(b".")
    return out.getvalue()


py2 = {key: blobs[key] for key in ("conv1_w", "column_major", "big", "half", "double", "byte", "long", "flag", "empty")}
for protocol in range(3):
    keep(
        f"caffe2-python2-protocol{protocol}.pkl", python2(protocol), "caffe2Pickle", py2,
        {"lr": "0.01", "model_iter": str(1 << 33)})

# ---- torch -----------------------------------------------------------------------------------------------------------

torch.manual_seed(0)
base = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4)
state = collections.OrderedDict()
state["module.conv.weight"] = torch.nn.Parameter(base.clone())
state["module.transposed"] = base.permute(2, 0, 1)
state["module.tied"] = base
state["module.slice"] = base[:, 1:, ::2]
state["module.expanded"] = torch.tensor([1.5]).expand(3, 2)
state["module.half"] = base.half()
state["module.bf16"] = base[0].bfloat16()
state["module.double"] = base[0].double()
state["module.bn.num_batches_tracked"] = torch.tensor(123456789012)
state["module.mask"] = torch.tensor([True, False])
state["module.char"] = torch.tensor([-1, 2], dtype=torch.int8)
state["module.byte"] = torch.tensor([255], dtype=torch.uint8)
state["module.short"] = torch.tensor([-2], dtype=torch.int16)
state["module.int"] = torch.tensor([[7]], dtype=torch.int32)
state["module.empty"] = torch.zeros(0, 3)


def saved(value, **how):
    out = io.BytesIO()
    torch.save(value, out, **how)
    return out.getvalue()


model = torch.nn.Linear(2, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
model(torch.ones(1, 2)).sum().backward()
optimizer.step()
slowfast = {
    "epoch": 196, "model_state": model.state_dict(), "optimizer_state": optimizer.state_dict(), "cfg": "TRAIN:\n  ENABLE: true\n",
    "scaler_state": None,
}
plain = {key: value.detach() for key, value in model.state_dict().items()}
about = {"epoch": "196"}
old = dict(_use_new_zipfile_serialization=False)
keep("torch-zip-state.pth", saved(state), "torchZip", state)
keep("torch-zip-slowfast.pyth", saved(slowfast), "torchZip", plain, about)
keep("torch-zip-protocol4.pth", saved({"state_dict": state, "meta": {"epoch": 3}}, pickle_protocol=4), "torchZip", state)
narrow = {"e5m2": base[0].to(torch.float8_e5m2), "e4m3": base[0].to(torch.float8_e4m3fn), "u32": torch.tensor([5], dtype=torch.uint32)}
keep("torch-zip-new-types.pt", saved(narrow), "torchZip", narrow)
keep("torch-legacy-state.pth", saved(state, **old), "torchLegacy", state)
keep("torch-legacy-slowfast.pkl", saved(slowfast, **old), "torchLegacy", plain, about)
keep("torch-legacy-protocol4.pth", saved({"state_dict": state}, pickle_protocol=4, **old), "torchLegacy", state)
keep("torch-legacy-protocol1.pth", saved(plain, pickle_protocol=1, **old), "torchLegacy", plain)


def rezipped(content, change=lambda name, data: data, stream=False, zip64=False):
    """The same entries, packed by Python's zipfile."""

    class Stream(io.RawIOBase):
        """Without seek, so that sizes go into data descriptors."""

        def __init__(self):
            self.data = bytearray()

        def writable(self):
            return True

        def write(self, data):
            self.data += data
            return len(data)

    out = Stream() if stream else io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(out, "w") as target:
        for info in source.infolist():
            data = change(info.filename, source.read(info))
            if data is None:
                continue
            entry = zipfile.ZipInfo(info.filename, (2020, 1, 1, 0, 0, 0))
            with target.open(entry, "w", force_zip64=zip64) as file:
                file.write(data)
    return bytes(out.data) if stream else out.getvalue()


def big_endian(name, data):
    if name.endswith("/byteorder"):
        return b"big"
    return np.frombuffer(data, "<f4").astype(">f4").tobytes() if "/data/" in name else data


def ancient(name, data):
    """What torch 1.6 wrote: nothing beside the pickle, the storages and the version."""
    return None if name.endswith(("byteorder", ".format_version", ".storage_alignment", "serialization_id")) else data


keep("torch-zip-big-endian.pth", rezipped(saved(plain), big_endian), "torchZip", plain)
keep("torch-zip-stream.pth", rezipped(saved(plain), stream=True), "torchZip", plain)
keep("torch-zip-zip64.pth", rezipped(saved(plain), ancient, zip64=True), "torchZip", plain)

# A view of a storage, as torch 0.4 wrote them: ('storage', type, key, location, count, (view key, offset, count)).
def legacy_view():
    out = io.BytesIO()
    pickle.dump(0x1950A86A20F9469CFC6C, out, 2)
    pickle.dump(1001, out, 2)
    pickle.dump({"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}, out, 2)

    class Storage:
        pass

    class Tensor:
        def __reduce__(self):
            return torch._utils._rebuild_tensor, (Storage(), 1, (2, 2), (2, 1))

    class Pickler(pickle.Pickler):
        def persistent_id(self, item):
            if isinstance(item, Storage):
                return ("storage", torch.FloatStorage, "17", "cuda:0", 9, ("18", 2, 6))

    Pickler(out, 2).dump({"epoch": 5, "w": Tensor()})
    pickle.dump(["17"], out, 2)
    out.write(struct.pack("<q", 9) + np.arange(9, dtype="<f4").tobytes())
    return out.getvalue()


keep("torch-legacy-view.pth", legacy_view(), "torchLegacy", {"w": torch.tensor([[3.0, 4.0], [5.0, 6.0]])}, {"epoch": "5"})

# ---- Caffe2's minidb --------------------------------------------------------------------------------------------------


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def scalar(number, value):
    return varint(number << 3) + varint(value)


def tensor_proto(shape, kind, data, segment=None):
    out = b"".join(scalar(1, n) for n in shape) + scalar(2, kind) + data + field(8, scalar(1, 1))
    return out + (field(11, scalar(1, segment[0]) + scalar(2, segment[1])) if segment else b"")


def record(key, tensor=None, content=None):
    blob = field(1, key) + (field(2, b"Tensor") + field(3, tensor) if tensor is not None else field(2, b"std::string") + field(4, content))
    return struct.pack("<ii", len(key), len(blob)) + key + blob


packed = lambda values: b"".join(varint(int(v)) for v in values)
flat = np.arange(5, dtype="f4") * 0.5
minidb = record(b"!!META_NET_DEF", content=b"\x0a\x05hello") + b"".join([
    record(b"gpu_0/conv1_w#%1", tensor_proto((5, 1), 1, field(3, flat[3:].tobytes()), (3, 5))),
    record(b"gpu_0/conv1_w#%0", tensor_proto((5, 1), 1, field(3, flat[:3].tobytes()), (0, 3))),
    record(b"gpu_0/conv1_b", tensor_proto((2,), 1, b"".join(b"\x1d" + struct.pack("<f", v) for v in (1.0, -0.0)))),
    record(b"half", tensor_proto((2,), 12, field(4, packed([0x3C00, 0xC000])))),
    record(b"half_bytes", tensor_proto((2,), 12, field(5, np.array([1, -2], "f2").tobytes()))),
    record(b"iteration", tensor_proto((1,), 10, field(10, packed([-7])))),
    record(b"double", tensor_proto((1,), 13, field(9, struct.pack("<d", 0.1)))),
    record(b"int", tensor_proto((2,), 2, field(4, packed([-1, 5])))),
    record(b"byte", tensor_proto((2,), 6, field(4, packed([255, 1])))),
    record(b"char", tensor_proto((1,), 7, field(4, packed([-1])))),
    record(b"short", tensor_proto((1,), 9, field(4, packed([-300])))),
    record(b"flag", tensor_proto((2,), 5, field(4, packed([1, 0])))),
    record(b"raw", tensor_proto((1,), 8, field(13, struct.pack("<H", 65535)))),
    record(b"label", tensor_proto((1,), 4, field(6, b"text"))),
    record(b"none", tensor_proto((0, 3), 1, b"")),
])
keep("minidb.mdl", minidb, "caffe2Minidb", {
    "conv1_w": flat.reshape(5, 1), "conv1_b": np.array([1, -0.0], "f4"), "half": np.array([1, -2], "f2"),
    "half_bytes": np.array([1, -2], "f2"), "iteration": np.array([-7], "i8"), "double": np.array([0.1]),
    "int": np.array([-1, 5], "i4"), "byte": np.array([255, 1], "u1"), "char": np.array([-1], "i1"),
    "short": np.array([-300], "i2"), "flag": np.array([True, False]), "raw": np.array([65535], "u2"),
    "none": np.zeros((0, 3), "f4"),
})

# ---- safetensors, and gzip around anything ----------------------------------------------------------------------------

sorted_names = {"a": ramp, "b.half": ramp.astype("f2"), "n": np.array(3, "i8")}
keep("model.safetensors", save_safetensors(sorted_names, {"format": "pt"}), "safetensors", sorted_names, {"format": "pt"})
small = pickle.dumps({"blobs": {"fc_w": ramp}}, 2)
halves = gzip.compress(small[:50], mtime=0) + gzip.compress(small[50:], mtime=0) + bytes(7)
keep("gzip-caffe2.pkl", halves, "caffe2Pickle", {"fc_w": ramp})
keep("gzip-minidb.mdl", gzip.compress(minidb, mtime=0), "caffe2Minidb", {})
keep("gzip-torch-zip.pth", gzip.compress(saved(plain), mtime=0), "torchZip", plain)
keep("gzip-torch-legacy.pth", gzip.compress(saved(plain, **old), mtime=0), "torchLegacy", plain)
keep("gzip-safetensors", gzip.compress(save_safetensors({"a": ramp}), mtime=0), "safetensors", {"a": ramp})

(HERE / "expected.tsv").write_text("\n".join(expected) + "\n", encoding="utf-8")
print(len(expected), "lines;", sum(f.stat().st_size for f in HERE.iterdir()), "bytes", file=sys.stderr)
