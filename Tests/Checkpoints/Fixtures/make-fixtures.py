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
import tarfile
import zipfile
import zlib

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

# ---- Odd but valid ----------------------------------------------------------------------------------------------------


def opcodes(*parts):
    """A pickle of protocol 2 from texts (GLOBAL and such) and bytes."""
    return b"\x80\x02" + b"".join(part.encode("latin1") if isinstance(part, str) else part for part in parts) + b"."


def unicode(text):
    return b"X" + struct.pack("<I", len(text)) + text.encode()


dtype = b"cnumpy\ndtype\n(U\x02f4K\x00K\x01tR(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"


def ndarray(data=b"\x00\x00\x80\x3f\x00\x00\x00\x40", shape=b"K\x02\x85", kind=dtype, fortran=b"\x89"):
    head = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR(K\x01"
    return head + shape + kind + fortran + b"T" + struct.pack("<i", len(data)) + data + b"tb"


pair = {"w": np.array([1, 2], "f4")}
# Everything that runs code when Python loads it, beside a tensor: the tensor comes out, and nothing runs.
calls = [
    "cposix\nsystem\n(U\x12touch /tmp/hostiletR", "cos\nsystem\n(U\x12touch /tmp/hostiletR", "c__builtin__\neval\n(U\x041/0\ntR",
    "(cbuiltins\nexec\nU\x03a=1o", "(U\x01aios\nsystem\n", "U\x02osU\x06system\x93)\x81", "U\x02osU\x06system\x93)}\x92",
    "ccollections\nCounter\n)R}U\x01aU\x01bsb", "c__main__\nThing\n)\x81}(U\x0c__setstate__cos\nsystem\nub",
    "cfunctools\npartial\n(cos\nsystem\nU\x02lstR",
]
hostile = opcodes(b"}(", *[b"U\x02c%d" % i + call.encode("latin1") for i, call in enumerate(calls)], b"U\x01w", ndarray(), b"u")
keep("caffe2-hostile-calls.pkl", hostile, "caffe2Pickle", pair)
cyclic = opcodes(b"}q\x00(U\x01ah\x00U\x01l]q\x01(h\x01h\x00h\x01eU\x01w", ndarray(), b"U\x01th\x01\x85q\x02h\x020U\x01zh\x00\x85u")
keep("caffe2-cyclic.pkl", cyclic, "caffe2Pickle", pair)
odd = opcodes(
    b"}(U\x05extra", ndarray(), b"U\x08listed_a](", ndarray(), b"eU\x03set\x8f(K\x01K\x02\x90U\x06frozen(K\x01\x91U\x05pairsccollections\nOrderedDict\n]](U\x01w",
    ndarray(), b"ea\x85RK\x07", ndarray(), b"N0(N1N200(0U\x04duckNu")
keep("caffe2-odd.pkl", odd, "caffe2Pickle", {"extra": pair["w"], "listed_a.0": pair["w"], "pairs.w": pair["w"], "7": pair["w"]})
lines = "(dp0\nV\\U0001f600\\u00e9\n" + "S\"a\\x41'\"\nsS'w'\n"
keep("caffe2-odd-protocol0.pkl", lines.encode() + ndarray() + b"sS'n'\nL-5L\nsS'b'\nI01\nsS'f'\nFnan\ns.", "caffe2Pickle", pair, {"\U0001f600\u00e9": "aA'", "n": "-5", "b": "true"})


class Custom(torch.Tensor):
    pass


sized = {"w": torch.nn.Parameter(torch.tensor([1.0, 2.0])), "shape": torch.Size([1, 2])}
sized["w"].note = "kept beside the parameter"
sized["custom"] = torch.tensor([3.0]).as_subclass(Custom)
keep("torch-zip-subclass.pth", saved(sized), "torchZip", {"w": sized["w"], "custom": torch.tensor([3.0])})
escapes = rb"""{"\u00e9\ud83d\ude00" : {"dtype":"F32", "shape":[2],
    "data_offsets":[0,8]}, "__metadata__":{"k":"\"\\\/\b\f\n\r\t\u0001"}}"""
keep("model-escapes.safetensors", struct.pack("<Q", len(escapes)) + escapes + pair["w"].tobytes(), "safetensors", {"\u00e9\U0001f600": pair["w"]})


def wide_zip(content, lie=0):
    """A zip file whose directory keeps sizes and places in zip64's extra fields."""
    out, directory = b"", b""
    for name, data in content:
        crc = zlib.crc32(data)
        sizes = struct.pack("<QQ", len(data), len(data))
        local = b"PK\x03\x04" + struct.pack("<5H3I2H", 45, 0, 0, 0, 33, crc, 0xFFFFFFFF, 0xFFFFFFFF, len(name), 20)
        extra = struct.pack("<HH", 99, 1) + b"x" + struct.pack("<HH", 1, 24) + sizes + struct.pack("<Q", len(out) + lie)
        directory += b"PK\x01\x02" + struct.pack("<6H3I5H2I", 45, 45, 0, 0, 0, 33, crc, 0xFFFFFFFF, 0xFFFFFFFF, len(name), len(extra), 0, 0, 0, 0, 0xFFFFFFFF) + name + extra
        out += local + name + struct.pack("<HH", 1, 16) + sizes + data
    end = struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, len(content), len(content), len(directory), len(out))
    end = b"PK\x06\x06" + end + b"PK\x06\x07" + struct.pack("<IQI", 0, len(out) + len(directory), 1)
    return out + directory + end + b"PK\x05\x06" + struct.pack("<4H2IH", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 4) + b"note"


with zipfile.ZipFile(io.BytesIO(saved(plain))) as packed_model:
    parts = [(info.filename.encode(), packed_model.read(info)) for info in packed_model.infolist()]
keep("torch-zip-wide.pth", wide_zip(parts), "torchZip", plain)

# ---- Refused: file, and a part of the reason --------------------------------------------------------------------------

refused = []


def refuse(name, content, reason):
    (HERE / name).write_bytes(content)
    refused.append(f"{name}\t{reason}")


whole = lambda *parts: opcodes(b"}U\x01w", *parts, b"s")
refuse("caffe2-refused-call.pkl", opcodes("cposix\nsystem\n(U\x12touch /tmp/hostiletR"), "posix.system, which stay closed")
refuse("caffe2-refused-module.pkl", opcodes(b"}U\x05modelcnet\nNet\n)\x81s"), "it holds objects of net.Net")
refuse("caffe2-refused-length8.pkl", b"\x80\x04\x8e" + struct.pack("<Q", 1 << 62) + b"a.", "4611686018427387904 bytes are claimed")
refuse("caffe2-refused-length4.pkl", b"\x80\x03B\xff\xff\xff\xffa.", "4294967295 bytes are claimed, and 2 are left")
refuse("caffe2-refused-negative.pkl", b"\x80\x02\x8b\xff\xff\xff\xffa.", "4294967295 bytes are claimed")
refuse("caffe2-refused-beyond.pkl", b"\x80\x04\x8d" + b"\xff" * 8 + b"a.", "a length of 18446744073709551615")
refuse("caffe2-refused-frame.pkl", b"\x80\x04\x95" + struct.pack("<Q", 1 << 40) + b"}.", "1099511627776 bytes are claimed")
refuse("caffe2-refused-end.pkl", b"\x80\x02}q\x00", "it has no end")
refuse("caffe2-refused-opcode.pkl", b"\x80\x02}\xfe.", "opcode 0xfe")
refuse("caffe2-refused-protocol.pkl", b"\x80\x05}\x80\x06.", "protocol 6")
refuse("caffe2-refused-stack.pkl", b"\x80\x02}s.", "takes a value where there is none")
refuse("caffe2-refused-mark.pkl", b"\x80\x02}u.", "looks for a mark")
refuse("caffe2-refused-below.pkl", b"\x80\x02}(s.", "takes a value where there is none")
refuse("caffe2-refused-odd-pairs.pkl", b"\x80\x02}(K\x01u.", "a key without a value")
refuse("caffe2-refused-tuple.pkl", b"\x80\x02K\x01\x87.", "makes a tuple of values that are not there")
refuse("caffe2-refused-append.pkl", b"\x80\x02}K\x01a.", "puts elements into what takes none")
refuse("caffe2-refused-build.pkl", b"\x80\x02}}b.", "gives a state to what has none")
refuse("caffe2-refused-memo.pkl", b"\x80\x02h\x05.", "asks for memo 5")
refuse("caffe2-refused-memo0.pkl", b"(dp99999999999\n.", "memo 99999999999")
refuse("caffe2-refused-extension.pkl", b"\x80\x02}\x82\x01.", "registry of extensions")
refuse("caffe2-refused-buffer.pkl", b"\x80\x05}\x97.", "a buffer that was not written")
refuse("caffe2-refused-global.pkl", b"\x80\x04}K\x01K\x02\x93.", "names a global by what is no text")
refuse("caffe2-refused-class.pkl", b"\x80\x02}(o.", "makes an object of no class")
refuse("caffe2-refused-int.pkl", b"(dS'a'\nI1x\ns.", "text where a whole number belongs")
refuse("caffe2-refused-put.pkl", b"(dp" + b"9" * 40 + b"\n.", "a number too large")
refuse("caffe2-refused-float.pkl", b"(dS'a'\nF1x\ns.", "text where a number belongs")
refuse("caffe2-refused-quotes.pkl", b"(dS'a\nN.", "a text without quotes")
refuse("caffe2-refused-escape.pkl", b"(dS'\\q'\nN.", "an unknown escape")
refuse("caffe2-refused-half-escape.pkl", b"(dV\\u12\nN.", "half an escape")
refuse("caffe2-refused-line.pkl", b"(dS'a'", "a line without an end")
refuse("caffe2-refused-shape.pkl", whole(ndarray(shape=b"K\x03\x85")), "more or fewer bytes")
refuse("caffe2-refused-huge-shape.pkl", whole(ndarray(shape=b"(J\xff\xff\xff\x7fJ\xff\xff\xff\x7fJ\xff\xff\xff\x7ft")), "impossible shape")
refuse("caffe2-refused-negative-shape.pkl", whole(ndarray(shape=b"J\xff\xff\xff\xff\x85")), "impossible shape")
refuse("caffe2-refused-complex.pkl", whole(ndarray(kind=dtype.replace(b"f4", b"c8"))), "elements 'c8'")
refuse("caffe2-refused-type.pkl", whole(ndarray(kind=b"N")), "without type, shape or content")
refuse("caffe2-refused-content.pkl", whole(ndarray().replace(b"T\x08\x00\x00\x00\x00\x00\x80\x3f\x00\x00\x00\x40", b"N")), "whose content is no bytes")
refuse("caffe2-refused-twice.pkl", opcodes(b"}(U\x01w", ndarray(), b"U\x01w", ndarray(), b"u"), "a second tensor called 'w'")

small_zip = saved({"w": torch.tensor([1.0, 2.0])})


def altered(content, old, new):
    assert content.count(old) >= 1, old
    return content.replace(old, new)


def with_pickle(change):
    return rezipped(small_zip, lambda name, data: change(data) if name.endswith("data.pkl") else data)


def doubled(content):
    """The same entry twice in the directory."""
    end = content.rindex(b"PK\x05\x06")
    count, size, start = struct.unpack("<HII", content[end + 10:end + 20])
    first = content[start:start + content[start + 4:].index(b"PK\x01\x02") + 4]
    return content[:end] + first + b"PK\x05\x06" + struct.pack("<4H2IH", 0, 0, count + 1, count + 1, size + len(first), start, 0)


simple = rezipped(small_zip, ancient)
refuse("torch-zip-refused-cut.pth", small_zip[:-10], "has no directory at its end")
refuse("torch-zip-refused-checksum.pth", simple.replace(struct.pack("<ff", 1, 2), struct.pack("<ff", 1, 3)), "another checksum")
refuse("torch-zip-refused-twice.pth", doubled(simple), "a second entry")
place = simple.index(b"PK\x01\x02") + 42
second = simple.index(b"PK\x01\x02", place) + 42
refuse("torch-zip-refused-overlap.pth", simple[:second] + simple[place:place + 4] + simple[second + 4:], "is not where the zip file's directory says")


def overlapping():
    """Two entries of one name's length that share bytes: the second lies within the first."""
    inner = b"PK\x03\x04" + struct.pack("<5H3I2H", 20, 0, 0, 0, 33, 0, 1, 1, 1, 0) + b"b" + b"x"
    outer = b"PK\x03\x04" + struct.pack("<5H3I2H", 20, 0, 0, 0, 33, 0, len(inner), len(inner), 1, 0) + b"a" + inner
    records = b"".join(
        b"PK\x01\x02" + struct.pack("<6H3I5H2I", 20, 20, 0, 0, 0, 33, zlib.crc32(data), len(data), len(data), 1, 0, 0, 0, 0, 0, at) + name
        for name, data, at in ((b"a", inner, 0), (b"b", b"x", 31)))
    return outer + records + b"PK\x05\x06" + struct.pack("<4H2IH", 0, 0, 2, 2, len(records), len(outer), 0)


def deflated(content):
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for info in source.infolist():
            target.writestr(zipfile.ZipInfo(info.filename, (2020, 1, 1, 0, 0, 0)), source.read(info), zipfile.ZIP_DEFLATED)
    return out.getvalue()


def archive(*names):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        for name in names:
            target.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), b"")
    return out.getvalue()


encrypted = bytearray(simple)
encrypted[simple.index(b"PK\x01\x02") + 8] |= 1
end = simple.rindex(b"PK\x05\x06")
refuse("torch-zip-refused-overlapping.pth", overlapping(), "overlaps another")
refuse("torch-zip-refused-deflated.pth", deflated(simple), "is compressed inside the zip file")
refuse("torch-zip-refused-encrypted.pth", bytes(encrypted), "is encrypted")
refuse("torch-zip-refused-count.pth", simple[:end + 8] + b"\xff\x7f\xff\x7f" + simple[end + 12:], "directory of 32767 entries does not fit")
refuse("torch-zip-refused-parts.pth", simple[:end + 4] + b"\x01" + simple[end + 5:], "goes on in other files")
refuse("torch-zip-refused-between.pth", simple[:end] + b"more" + simple[end:end + 12] + struct.pack("<I", struct.unpack("<I", simple[end + 12:end + 16])[0] + 4) + simple[end + 16:], "bytes that belong to no entry")
refuse("torch-zip-refused-wide.pth", wide_zip(parts, lie=1 << 62), "is not where the zip file's directory says")
refuse("torch-zip-refused-short-wide.pth", wide_zip(parts).replace(b"PK\x06\x06", b"PK\x06\x05"), "64-bit end record")
refuse("torch-zip-refused-no-pickle.pth", archive("a/weights.npy"), "npz")
refuse("torch-zip-refused-script.pt", archive("m/data.pkl", "m/constants.pkl"), "TorchScript")
refuse("torch-zip-refused-order.pth", rezipped(saved(plain), lambda name, data: b"mixed!" if name.endswith("byteorder") else data), "a byte order of 'mixed!'")
refuse("torch-zip-refused-storage.pth", rezipped(simple, lambda name, data: None if name.endswith("/0") else data), "storage '0' is not in the file")
refuse("torch-zip-refused-stride.pth", with_pickle(lambda data: altered(data, b"K\x02\x85q", b"K\x03\x85q")), "does not fit its storage")
refuse("torch-zip-refused-type.pth", with_pickle(lambda data: altered(data, b"FloatStorage", b"QInt8Storage")), "torch.QInt8Storage")
refuse("torch-zip-refused-kind.pth", with_pickle(lambda data: altered(data, b"_rebuild_tensor_v2", b"_rebuild_sparse_tensor")), "_rebuild_sparse_tensor")
refuse("torch-zip-refused-storageless.pth", with_pickle(lambda data: altered(data, b"Q", b"0N")), "without a storage")
refuse("torch-zip-refused-whole-model.pth", saved(torch.nn.Linear(2, 2)), "torch.nn.modules.linear.Linear")

legacy = saved(plain, **old)
refuse("torch-legacy-refused-protocol.pth", altered(legacy, b"\x80\x02M\xe9\x03.", b"\x80\x02M\xea\x03."), "should be 1001")
refuse("torch-legacy-refused-endian.pth", altered(legacy, b"little_endianq\x02\x88", b"little_endianq\x02\x89"), "big-endian machine")
refuse("torch-legacy-refused-cut.pth", legacy[:-1], "reaches beyond the file's")
refuse("torch-legacy-refused-count.pth", legacy[:-20] + struct.pack("<q", 1 << 60) + legacy[-12:], "should have 3 elements here")
refuse("torch-legacy-refused-view.pth", altered(legacy_view(), b"K\x02K\x06\x87", b"K\x04K\x06\x87"), "a view beyond its storage")
refuse("torch-legacy-refused-offset.pth", altered(legacy_view(), b"K\x01K\x02K\x02\x86", b"J\xff\xff\xff\xffK\x02K\x02\x86"), "does not fit its storage")
two_types = opcodes(*[b"(U\x07storagectorch\n" + name + b"\nU\x010U\x03cpuK\x01tQ0" for name in (b"FloatStorage", b"LongStorage")], b"}")
head = legacy[:legacy.index(b"\x80\x02", legacy.index(b"little_endian"))]
refuse("torch-legacy-refused-types.pth", head + two_types + opcodes(b"]U\x010a"), "elements of two types")
refuse("torch-legacy-refused-keys.pth", head + opcodes(b"}") + opcodes(b"]U\x010a"), "a storage that no tensor names")
refuse("torch-legacy-refused-no-keys.pth", head + opcodes(b"}") + opcodes(b"}"), "list of torch's storages is missing")

chunk = lambda begin, end: record(b"w#%%%d" % begin, tensor_proto((4,), 1, field(3, bytes(4 * (end - begin))), (begin, end)))
refuse("minidb-refused-cut.mdl", minidb[:-1], "is cut or has impossible lengths")
refuse("minidb-refused-hole.mdl", chunk(0, 2) + chunk(3, 4), "lacks elements from 2 on")
refuse("minidb-refused-twice.mdl", chunk(0, 2) + chunk(1, 4), "lacks elements from 2 on, or has them twice")
refuse("minidb-refused-short.mdl", chunk(0, 2) + chunk(2, 3), "has 3 elements")
refuse("minidb-refused-two-shapes.mdl", chunk(0, 2) + record(b"w#%1", tensor_proto((5,), 1, field(3, bytes(8)), (2, 4))), "[5] here and F32 [4] before")
refuse("minidb-refused-segment.mdl", record(b"w", tensor_proto((4,), 1, field(3, bytes(8)), (0, 4))), "has 8 bytes for elements 0 to 4")
refuse("minidb-refused-shape.mdl", record(b"w", tensor_proto((1 << 62, 1 << 62), 1, b"")), "impossible shape")
refuse("minidb-refused-type.mdl", record(b"w", tensor_proto((1,), 14, b"")), "type 14")
refuse("minidb-refused-record.mdl", record(b"w", b"\x0a\xff"), "is no BlobProto")
refuse("minidb-refused-none.mdl", record(b"w", content=b"text"), "without tensors")

whole_gzip = gzip.compress(small, mtime=0)
refuse("gzip-refused-cut.pkl", whole_gzip[:-9], "is cut")
refuse("gzip-refused-checksum.pkl", whole_gzip[:-8] + b"abcd" + whole_gzip[-4:], "is damaged")
refuse("gzip-refused-twice.pkl", gzip.compress(whole_gzip, mtime=0), "gzip inside gzip")
refuse("gzip-refused-text.pkl", gzip.compress(b"not a checkpoint at all", mtime=0), "no checkpoint of a known format")


# Not beside the others, which are the seeds of the fuzzer.
(HERE / "large").mkdir(exist_ok=True)
(HERE / "large" / "gzip-bomb.pkl").write_bytes(gzip.compress(pickle.dumps({"w": np.zeros(5 << 20, "f4")}, 4), 9, mtime=0))


def tar(*names):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as target:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = len(small)
            target.addfile(info, io.BytesIO(small))
    return out.getvalue()


refuse("gzip-refused-tar.pkl", gzip.compress(tar("I3D_8x8_R50.pkl", "I3D_NLN_8x8_R50.pkl"), mtime=0), "tar archive that holds I3D_8x8_R50.pkl, I3D_NLN_8x8_R50.pkl")
refuse("stranger-empty.pkl", b"", "is empty")
refuse("stranger-page.pkl", b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "page of the web or XML")
refuse("stranger-lfs.safetensors", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "git-lfs's note")
refuse("stranger-hdf5.h5", b"\x89HDF\r\n\x1a\n" + bytes(16), "is HDF5")
refuse("stranger-tar.tar", tar("a.pkl", "b/c.pkl")[:4096], "tar archive that holds a.pkl, b/c.pkl")
refuse("stranger-text.txt", b"conv1_w 1 2 3\n", "no checkpoint of a known format")

(HERE / "refused.tsv").write_text("\n".join(refused) + "\n", encoding="utf-8")
(HERE / "expected.tsv").write_text("\n".join(expected) + "\n", encoding="utf-8")
print(len(expected), "lines;", sum(f.stat().st_size for f in HERE.iterdir()), "bytes", file=sys.stderr)
