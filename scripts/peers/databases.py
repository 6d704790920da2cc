"""Databases of VMZ's create_video_db.py, between our program and py-lmdb with Caffe2's schema. Run by scripts/test-peers."""

import argparse
import csv
import json
import pathlib
import random
import subprocess

import lmdb
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

parser = argparse.ArgumentParser()
parser.add_argument("--program", required=True)
parser.add_argument("--work", required=True)
arguments = parser.parse_args()
work = pathlib.Path(arguments.work)
INT32, STRING, INT64 = 2, 4, 10


def zoetrope(*words):
    done = subprocess.run([arguments.program, *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, f"zoetrope {' '.join(map(str, words))}: exit {done.returncode}\n{done.stderr}"
    return done.stdout


def result(*words):
    return json.loads(zoetrope(*words, "--json").splitlines()[-1])


def tensor_protos():
    """Caffe2's TensorProtos, as far as databases of videos use it: names, numbers and types of its published schema."""
    file = descriptor_pb2.FileDescriptorProto(name="caffe2.proto", package="caffe2", syntax="proto2")
    tensor = file.message_type.add(name="TensorProto")
    kind = descriptor_pb2.FieldDescriptorProto
    for name, number, form, packed in (
        ("int32_data", 4, kind.TYPE_INT32, True),
        ("string_data", 6, kind.TYPE_BYTES, False),
        ("int64_data", 10, kind.TYPE_INT64, True),
    ):
        field = tensor.field.add(name=name, number=number, type=form, label=kind.LABEL_REPEATED)
        if packed:
            field.options.packed = True
    tensor.field.add(name="data_type", number=2, type=kind.TYPE_INT32, label=kind.LABEL_OPTIONAL)
    file.message_type.add(name="TensorProtos").field.add(
        name="protos", number=1, type=kind.TYPE_MESSAGE, type_name=".caffe2.TensorProto", label=kind.LABEL_REPEATED
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("caffe2.TensorProtos"))


TensorProtos = tensor_protos()


def write_database(rows, path, seed=5):
    """What create_video_db.py does with --use_video_id=1: rows shuffled, running indices as keys, one transaction."""
    rows = rows[:]
    random.Random(seed).shuffle(rows)
    with lmdb.open(str(path), map_size=1 << 40) as environment, environment.begin(write=True) as transaction:
        for index, (video, label, number) in enumerate(rows):
            protos = TensorProtos()
            protos.protos.add(data_type=STRING).string_data.append(video.read_bytes())
            protos.protos.add(data_type=INT32).int32_data.append(label)
            protos.protos.add(data_type=INT64).int64_data.append(number)
            transaction.put(str(index).encode("ascii"), protos.SerializeToString())


def train(name, data):
    recipe = "recipes/motion/r2plus1d-10-8x56.toml"
    small = ["schedule.epochs=1", "schedule.warmup_epochs=0", "batch.units=2", "batch.clips_per_unit=2"]
    return result("train", recipe, *small, "--data", data, "--run", work / name)["weights_sha256"]


data = work / "motion"
zoetrope("data", "synth", "--out", data, "--classes", 2, "--clips-per-class", 6, "--seconds", 0.7, "--size", 64)
with open(data / "train.csv", newline="") as file:
    rows = [(data / row["org_video"], int(row["label"]), 1000 + i) for i, row in enumerate(csv.DictReader(file))]

# Theirs in: the database holds the same clips as our packed set, and trains to the same weights.
write_database(rows, work / "vmz")
zoetrope("data", "unpack", "--from", work / "vmz", "--out", work / "unpacked")
(work / "classes.txt").write_text("left\nright\n")
theirs = work / "theirs"
zoetrope(
    "data", "pack", "--list", work / "unpacked/list.csv", "--split", "train", "--out", theirs, "--classes", work / "classes.txt"
)
ours, unpacked = (result("data", "info", path)["splits"]["train"]["sha256"] for path in (data, theirs))
assert ours == unpacked, f"other clips: {ours} and {unpacked}"
weights = train("run-ours", data), train("run-theirs", theirs)
assert weights[0] == weights[1], f"other weights: {weights}"
print(f"ok      create_video_db's database trains to {weights[0][:16]}, as the packed videos do")

# Ours out: py-lmdb and the schema find every video under its label.
zoetrope("data", "export", data, "--split", "train", "--format", "vmz", "--out", work / "exported", "--video-ids")
wanted = sorted((video.read_bytes(), label) for video, label, _ in rows)
found = []
with lmdb.open(str(work / "exported"), readonly=True, lock=False) as environment, environment.begin() as transaction:
    keys = []
    for key, value in transaction.cursor():
        protos = TensorProtos.FromString(bytes(value)).protos
        assert [tensor.data_type for tensor in protos] == [STRING, INT32, INT64], key
        found.append((protos[0].string_data[0], protos[1].int32_data[0]))
        keys.append(bytes(key))
assert sorted(keys) == sorted(str(i).encode() for i in range(len(rows))), keys
assert sorted(found) == wanted
print("ok      py-lmdb and Caffe2's schema read our database")
