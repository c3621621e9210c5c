#!/usr/bin/env python3
"""Writes the small valid files that fuzzing starts from, and that must stay readable: needs numpy, pillow, pyarrow and safetensors.

model_json, manifest and safetensors are of a run of `relumine train quickstart --data table.csv --epochs 2 --set model.hidden=[3]
--set model.norm=batch` on the table of crates/data/tests/fixtures/formats; table and parquet take files from there, too.
"""
import gzip
import io
import pathlib
import struct

import numpy
import pyarrow
import pyarrow.parquet
import safetensors.numpy
from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent
random = numpy.random.default_rng(0)


def write(name, data):
    path = HERE / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)


def npy(name, array):
    data = io.BytesIO()
    numpy.save(data, array)
    write(f"npy/{name}.npy", data.getvalue())


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.astype(numpy.uint8).tobytes()


def image(name, mode, array, **options):
    data = io.BytesIO()
    Image.fromarray(array).convert(mode).save(data, name.partition(".")[2], **options)
    write(f"image/{name}", data.getvalue())


npy("labels", numpy.array([0, 1, 2] * 4, dtype=numpy.uint8))
npy("names", numpy.array(["apple", "pear", "plum"] * 4))
npy("bytes", numpy.array([b"a", b"bc"] * 6))
npy("features", random.normal(size=(12, 4)).astype(">f2"))
npy("fortran", numpy.asfortranarray(random.integers(-9, 9, (12, 2, 2)).astype("<i8")))
npy("truth", random.integers(0, 2, (12, 4)).astype(bool))

for compress in [numpy.savez, numpy.savez_compressed]:
    data = io.BytesIO()
    train = {"x_train": random.normal(size=(6, 4)), "y_train": numpy.arange(6) % 3}
    compress(data, **train, x_test=numpy.ones((3, 4)), y_test=numpy.arange(3))
    write(f"npz/{compress.__name__}.npz", data.getvalue())

labels, pictures = idx(numpy.array([0, 1, 2, 1])), idx(random.integers(0, 256, (4, 2, 3)))
write("idx/plain", bytes([len(labels)]) + labels + pictures)
labels, pictures = gzip.compress(labels, mtime=0), gzip.compress(pictures, mtime=0)
write("idx/gzip", bytes([len(labels)]) + labels + pictures)

pixels = random.integers(0, 256, (9, 11, 4)).astype(numpy.uint8)
for mode in ["1", "L", "LA", "P", "RGB", "RGBA"]:
    image(f"{mode.lower()}.png", mode, pixels)
image("grey16.png", "I;16", pixels[:, :, 0].astype(numpy.uint16) * 257)
image("small.jpeg", "L", pixels[:, :, 0])
image("colour.jpeg", "RGB", pixels[:, :, :3], quality=60, progressive=True)
exif = Image.Exif()
exif[0x0112] = 6
image("turned.jpeg", "RGB", pixels[:, :, :3], exif=exif, subsampling=2, restart_marker_blocks=1)

write("table/quotes.csv", b'\xef\xbb\xbfa,"b ""x""",kind\r\n1,2e3,one\r\n-.5,"4",two\r\n6,7,one\r\n')
write("table/tabs.tsv", b"a\tb\tkind\n1\t2\tone\n3\t4\ttwo\n")

def table(a):
    columns = {"a": pyarrow.array(a), "b": pyarrow.array([1, 2, 3, 4], pyarrow.uint16()), "kind": ["x", "y", "x", "y"]}
    return pyarrow.table(columns)


for compression in ["none", "snappy", "gzip", "zstd", "lz4"]:
    data = io.BytesIO()
    rows = table([1.5, 2.5, None if compression == "gzip" else 3.5, 4.5])
    version = "2.0" if compression == "zstd" else "1.0"
    options = {"use_dictionary": compression != "none", "write_statistics": False, "store_schema": False}
    pyarrow.parquet.write_table(rows, data, compression=compression, data_page_version=version, **options)
    write(f"parquet/{compression}.parquet", data.getvalue())

for name, dtype in [("sequential", numpy.float32), ("half", numpy.float16)]:
    shapes = {"0.weight": (3, 4), "0.bias": (3,), "4.weight": (3, 3), "4.bias": (3,)}
    shapes |= {f"1.{part}": (3,) for part in ["weight", "bias", "running_mean", "running_var"]}
    tensors = {key: numpy.ones(shape, dtype) for key, shape in shapes.items()}
    write(f"init_from/{name}.safetensors", safetensors.numpy.save(tensors | {"1.num_batches_tracked": numpy.array(7)}))
