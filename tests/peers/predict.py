#!/usr/bin/env python3
"""Compares `relumine predict` and image folders with Pillow and NumPy. Needs numpy and Pillow.

    python tests/peers/predict.py --relumine BINARY [--mnist FOLDER]

What a model gets to see of a picture is made visible by models that pass one pixel each through to the logits (below): so decoding, grey,
transparency, inversion and sizes are compared byte by byte with Pillow, through the real program.

Tolerances, in steps of 255: PNG 0, transparency 1 (rounding), JPEG 3 (two decoders' inverse transforms; 12 where the colours have half the
resolution, which the two enlarge each in its own way), grey 0, sizes 1, MNIST's framing 3 (sizes, and contrast twice). Arrays: exact.
Probabilities: half of the sixth digit of predictions.csv, and 1e-8 of NumPy's softmax.
"""
import argparse
import csv
import io
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

import numpy
from PIL import Image, ImageDraw, ImageOps

FAILURES = []


def check(name, worst, tolerance):
    """Prints a comparison: the worst difference, and what share of the tolerance it is."""
    share = f"{worst / tolerance:.0%} of {tolerance}" if tolerance else f"{worst:g} where 0 is allowed"
    print(f"{'ok  ' if worst <= tolerance else 'FAIL'} {name}: worst difference {worst:g} ({share})")
    if not worst <= tolerance:
        FAILURES.append(name)


def safetensors(tensors):
    header, data = {}, b""
    for name, value in sorted(tensors.items()):
        value = numpy.ascontiguousarray(value, dtype="<f4")
        header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [len(data), len(data) + value.nbytes]}
        data += value.tobytes()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


class Relumine:
    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder

    def run(self, *arguments):
        result = subprocess.run([self.binary, *map(str, arguments)], capture_output=True, text=True, cwd=self.folder)
        if result.returncode:
            sys.exit(f"relumine {' '.join(map(str, arguments))}: {result.stderr}")
        return result.stdout

    def rows(self, run, inputs, *arguments):
        return list(csv.DictReader(io.StringIO(self.run("predict", run, *inputs, "--format", "csv", "--logits", *arguments))))

    def logits(self, run, inputs, *arguments):
        rows = self.rows(run, inputs, *arguments)
        names = [name for name in rows[0] if name.startswith("logit_")]
        return numpy.array([[float(row[name]) for name in names] for row in rows])

    def looking_glass(self, height, width, channels):
        """A run whose logits are the pixels that its model sees: one class per number, the identity for weights."""
        run = self.folder / f"glass-{height}-{width}-{channels}"
        if run.exists():
            return run
        size = height * width * channels
        (run / "checkpoints").mkdir(parents=True)
        (run / "recipe.toml").write_text('[data]\nname = "fashion-mnist"\n[model]\nhidden = []\n')
        signature = {"format": 1, "example_shape": [height, width, channels], "full_scale": 255, "offset": [0.0], "divisor": [1.0]}
        (run / "model.json").write_text(json.dumps(signature | {"classes": [str(i) for i in range(size)], "head": "softmax"}))
        weights = {"layers.0.weight": numpy.eye(size), "layers.0.bias": numpy.zeros(size)}
        (run / "checkpoints/best.safetensors").write_bytes(safetensors(weights))
        return run

    def seen(self, picture, shape, *arguments):
        """What a model of this shape sees of a picture's file."""
        return self.logits(self.looking_glass(*shape), [picture], *arguments).reshape(shape)


def scene(height, width, mode="RGB", seed=0):
    """A picture with edges, slopes and noise."""
    random = numpy.random.default_rng(seed)
    y, x = numpy.mgrid[0:height, 0:width]
    channels = [127 + 90 * numpy.sin(x / (3 + c)) * numpy.cos(y / (4 + c)) + random.normal(0, 12, (height, width)) for c in range(3)]
    image = Image.fromarray(numpy.clip(numpy.stack(channels, -1), 0, 255).astype("u1"), "RGB")
    draw = ImageDraw.Draw(image)
    draw.ellipse([width // 5, height // 5, width // 2, height // 2], fill=(250, 20, 60))
    draw.rectangle([width // 2, height // 2, width * 4 // 5, height * 3 // 4], fill=(5, 5, 5))
    return image.convert(mode)


def worst(a, b):
    return float(numpy.abs(numpy.asarray(a, dtype="f8") - numpy.asarray(b, dtype="f8")).max())


def compare_decoding(relumine, folder):
    color, grey = scene(20, 16), scene(20, 16, "L")
    cases = {
        "grey": grey,
        "colour": color,
        "palette": color.quantize(40),
        "grey palette": grey.quantize(16),
        "1 bit": grey.convert("1"),
        "palette of 3": color.quantize(3),
    }
    for name, image in cases.items():
        path = folder / "picture.png"
        image.save(path)
        in_grey = image.convert("RGB").convert("L")
        check(f"PNG, {name}, in grey", worst(relumine.seen(path, (20, 16, 1))[..., 0], in_grey), 0)
        check(f"PNG, {name}, in colour", worst(relumine.seen(path, (20, 16, 3)), image.convert("RGB")), 0)
    alpha = Image.fromarray(numpy.random.default_rng(1).integers(0, 256, (20, 16)).astype("u1"))
    for name, image in {"RGBA": color, "LA": grey}.items():
        transparent = image.copy()
        transparent.putalpha(alpha)
        transparent.save(folder / "picture.png")
        paper = Image.new("RGBA", image.size, "white")
        paper.alpha_composite(transparent.convert("RGBA"))
        check(f"PNG, {name} on white", worst(relumine.seen(folder / "picture.png", (20, 16, 3)), paper.convert("RGB")), 1)
    deep = numpy.random.default_rng(2).integers(0, 65536, (20, 16)).astype("u2")
    Image.fromarray(deep).save(folder / "picture.png")
    check("PNG, 16 bits, v / 257 rounded", worst(relumine.seen(folder / "picture.png", (20, 16, 1))[..., 0], numpy.rint(deep / 257.0)), 0)


def compare_jpeg(relumine, folder):
    image = scene(20, 16)
    path = folder / "picture.jpg"
    for quality in (95, 70):
        for name, options in {"4:4:4": {"subsampling": 0}, "progressive": {"subsampling": 0, "progressive": True}}.items():
            image.save(path, quality=quality, **options)
            check(f"JPEG {name}, quality {quality}", worst(relumine.seen(path, (20, 16, 3)), Image.open(path)), 3)
        image.convert("L").save(path, quality=quality)
        check(f"JPEG in grey, quality {quality}", worst(relumine.seen(path, (20, 16, 1))[..., 0], Image.open(path)), 3)
    image.save(path, quality=90, subsampling=2)
    check("JPEG 4:2:0", worst(relumine.seen(path, (20, 16, 3)), Image.open(path)), 12)
    exif = Image.Exif()
    for orientation in range(1, 9):
        exif[0x0112] = orientation
        image.save(path, quality=95, subsampling=0, exif=exif)
        turned = ImageOps.exif_transpose(Image.open(path))
        check(f"JPEG, Exif orientation {orientation}", worst(relumine.seen(path, (turned.height, turned.width, 3)), turned), 3)


def compare_sizes(relumine, folder):
    path = folder / "picture.png"
    for height, width in [(7, 9), (28, 28), (60, 41), (300, 200)]:
        for mode, channels in [("L", 1), ("RGB", 3)]:
            image = scene(height, width, mode, seed=height)
            image.save(path)
            expected = numpy.asarray(image.resize((12, 14), Image.Resampling.BILINEAR)).reshape(14, 12, channels)
            seen = relumine.seen(path, (14, 12, channels), "--fit", "stretch")
            check(f"{height} x {width} {mode} stretched to 14 x 12", worst(seen, expected), 1)
    image = scene(30, 50, "L")
    image.save(path)
    border = numpy.asarray(image)
    ring = numpy.concatenate([border[0], border[-1], border[1:-1, 0], border[1:-1, -1]])
    expected = numpy.full((20, 20), numpy.sort(ring)[len(ring) // 2], "u1")
    expected[4:16] = numpy.asarray(image.resize((20, 12), Image.Resampling.BILINEAR))
    check("30 x 50 padded to 20 x 20", worst(relumine.seen(path, (20, 20, 1), "--fit", "pad")[..., 0], expected), 1)
    check("inverted", worst(relumine.seen(path, (30, 50, 1), "--invert", "yes")[..., 0], ImageOps.invert(image)), 0)


def framed(image):
    """MNIST's framing, in NumPy and Pillow: ink's box to 20 pixels, its centre of mass to the middle of 28."""
    pixels = numpy.asarray(image, dtype="f8")
    ring = numpy.concatenate([pixels[0], pixels[-1], pixels[1:-1, 0], pixels[1:-1, -1]])
    paper = numpy.sort(ring)[len(ring) // 2]
    pixels = numpy.floor(numpy.clip(pixels - paper, 0, None) * 255 / (pixels.max() - paper))
    rows, columns = numpy.where(pixels >= 32)
    crop = pixels[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].astype("u1")
    scale = 20 / max(crop.shape)
    size = (max(1, round(crop.shape[1] * scale)), max(1, round(crop.shape[0] * scale)))
    small = numpy.asarray(Image.fromarray(crop).resize(size, Image.Resampling.BILINEAR), dtype="f8")
    small = numpy.floor(small * 255 / small.max())
    y, x = [numpy.average(numpy.arange(n) + 0.5, weights=small.sum(axis=1 - axis)) for axis, n in enumerate(small.shape)]
    top, left = round(14 - y), round(14 - x)
    field = numpy.zeros((28, 28))
    field[top : top + small.shape[0], left : left + small.shape[1]] = small
    return field


def compare_framing(relumine, folder):
    path = folder / "picture.png"
    for index, (a, b) in enumerate([((20, 20, 90, 150), 9), ((100, 30, 130, 60), 5), ((10, 140, 150, 170), 14)]):
        image = Image.new("L", (180, 190), 24)
        draw = ImageDraw.Draw(image)
        draw.arc(a, 20, 290, fill=230, width=b)
        draw.line([a[:2], a[2:]], fill=200, width=b)
        image.save(path)
        seen = relumine.seen(path, (28, 28, 1), "--fit", "mnist")[..., 0]
        check(f"drawing {index} framed as MNIST", worst(seen, framed(image)), 3)


def compare_arrays(relumine, folder):
    run = relumine.looking_glass(3, 4, 1)
    random = numpy.random.default_rng(3)
    values = random.integers(0, 200, (300, 3, 4))
    for dtype in ["u1", "i1", "<u2", ">i2", "<i4", "<u4", ">i8", "<f2", "<f4", ">f4", "<f8", "?"]:
        array = (values % 2 if dtype == "?" else values % 100).astype(dtype)
        for shape in [(300, 3, 4), (300, 3, 4, 1), (300, 12)]:
            numpy.save(folder / "x.npy", array.reshape(shape))
            check(f"npy {dtype} {shape}", worst(relumine.logits(run, ["x.npy"]), array.reshape(300, 12)), 0)
    numpy.save(folder / "x.npy", values[7].astype("f4"))
    check("npy, a single example", worst(relumine.logits(run, ["x.npy"]), values[7].reshape(1, 12)), 0)
    for version in [(1, 0), (2, 0), (3, 0)]:
        with open(folder / "x.npy", "wb") as file:
            numpy.lib.format.write_array(file, values.astype("f4"), version=version)
        check(f"npy format {version[0]}", worst(relumine.logits(run, ["x.npy"]), values.reshape(300, 12)), 0)


def compare_folder(relumine, folder):
    """A folder of PNGs trains to the same bytes as the same pictures in one NumPy archive."""
    random = numpy.random.default_rng(4)
    labels = numpy.arange(120) % 3
    pixels = numpy.clip(random.normal(60 + 60 * labels[:, None, None], 25, (120, 6, 5)), 0, 255).astype("u1")
    order = numpy.argsort(labels, kind="stable")
    for place, row in enumerate(order):
        path = folder / f"pictures/{labels[row]}/{place:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[row]).save(path)
    numpy.savez(folder / "pictures.npz", x=pixels[order], y=labels[order])
    settings = ["--quiet", "--epochs", "3", "--device", "cpu", "--set", "model.hidden=[8]"]
    for name in ["pictures", "pictures.npz"]:
        relumine.run("train", "--data", name, "--out", f"run-{name}", *settings)
    weights = [(folder / f"run-{name}/checkpoints/best.safetensors").read_bytes() for name in ["pictures", "pictures.npz"]]
    check("weights trained on a folder and on the same arrays, bytes", float(weights[0] != weights[1]), 0)


def compare_answers(relumine, folder, mnist):
    """Our own predictions.csv, for rows that come in the order of their file: the test files of MNIST, and one softmax in NumPy."""
    if not mnist:
        print("skip: no --mnist folder, so that predictions.csv of a run on it is not compared")
        return
    images = next(path for path in pathlib.Path(mnist).glob("t10k-images-idx3-ubyte*"))
    relumine.run("train", "seed-relu", "--data", mnist, "--out", "mnist", "--quiet", "--epochs", "1", "--set", "model.hidden=[32]")
    rows = relumine.rows("mnist", [images])
    tested = list(csv.DictReader(open(folder / "mnist/test/predictions.csv")))
    names = [name for name in tested[0] if name.startswith("p_")]
    ours = numpy.array([[float(row[name]) for name in names] for row in rows])
    theirs = numpy.array([[float(row[name]) for name in names] for row in tested])
    # Half of the sixth digit, and what nine digits add to it.
    check("probabilities of 10,000 rows and predictions.csv, to its 6 digits", worst(ours, theirs), 5.01e-7)
    check("predictions", float(sum(a["prediction"] != b["prediction"] for a, b in zip(rows, tested, strict=True))), 0)
    # The text of a logit is the shortest that reads as the same f32.
    logits = numpy.array([[row[f"logit_{i}"] for i in range(10)] for row in rows]).astype("f4").astype("f8")
    exponentials = numpy.exp(logits - logits.max(axis=1, keepdims=True))
    check("softmax of the logits and NumPy's, relative", worst(ours / (exponentials / exponentials.sum(axis=1, keepdims=True)), 1), 1e-8)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--relumine", required=True)
    parser.add_argument("--mnist")
    arguments = parser.parse_args()
    binary = str(pathlib.Path(arguments.relumine).resolve())
    mnist = arguments.mnist and str(pathlib.Path(arguments.mnist).resolve())
    print(f"Pillow {Image.__version__}, NumPy {numpy.__version__}")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        relumine = Relumine(binary, folder)
        for compare in [compare_decoding, compare_jpeg, compare_sizes, compare_framing, compare_arrays, compare_folder]:
            compare(relumine, folder)
        compare_answers(relumine, folder, mnist)
    if FAILURES:
        sys.exit(f"{len(FAILURES)} comparisons failed: {', '.join(FAILURES)}")


if __name__ == "__main__":
    main()
