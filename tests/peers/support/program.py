"""Running the real program from a peer check, and comparing numbers with it.

Peer checks are not called after the packages they import: `tests/peers/torch.py` would be what `import torch` finds.
"""
import argparse
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[3]
ATOL, RTOL = 1e-5, 1e-5
ROWS = 1_000


def arguments(description):
    """The arguments of every peer check: the program, and MNIST where there is one."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--relumine", required=True, type=pathlib.Path, help="the program")
    parser.add_argument("--mnist", type=pathlib.Path, help="a folder of MNIST's four IDX files, gzipped; without it MNIST is left out")
    return parser.parse_args()


class Program:
    """The program in a temporary folder of its own."""

    def __init__(self, binary):
        self.binary = binary.resolve()
        self.folder = tempfile.TemporaryDirectory(prefix="relumine-peers-")
        self.path = pathlib.Path(self.folder.name)

    def run(self, *arguments):
        """Runs it, insists on success, and returns what it printed."""
        command = [str(self.binary), *map(str, arguments)]
        ended = subprocess.run(command, cwd=self.path, capture_output=True, text=True)
        if ended.returncode != 0:
            sys.exit(f"{' '.join(command)} ended with {ended.returncode}: {ended.stderr.strip()}")
        return ended.stdout

    def train(self, out, *arguments, **settings):
        """Trains quietly into `out`; settings are recipe keys with `__` for the dot."""
        keys = [part for key, value in settings.items() for part in ("--set", f"{key.replace('__', '.')}={value}")]
        self.run("train", *arguments, "--device", "cpu", "--threads", 1, "--quiet", "--out", out, *keys)
        return self.path / out

    def predict(self, run, rows, *arguments):
        """(logits [N, units], probabilities [N, classes]) of the program for rows as they are, pixels or measurements."""
        np.save(self.path / f"{run.name}.npy", rows)
        how = ("--format", "json", "--logits", "--device", "cpu", "--threads", 1, "--quiet", *arguments)
        text = self.run("predict", run, f"{run.name}.npy", *how)
        lines = [json.loads(line) for line in text.splitlines()]
        classes = json.loads((run / "model.json").read_text())["classes"]
        by_class = [{entry["class"]: entry["probability"] for entry in line["top"]} for line in lines]
        return (np.array([line["logits"] for line in lines], np.float32),
                np.array([[row[name] for name in classes] for row in by_class], np.float64))


def signature(run):
    """What the model takes: `(shape of one example, offset, divisor)`."""
    model = json.loads((run / "model.json").read_text())
    return model["example_shape"], np.array(model["offset"], np.float32), np.array(model["divisor"], np.float32)


def scaled(run, rows):
    """The rows [N, features] as the network sees them."""
    _, offset, divisor = signature(run)
    return (rows.reshape(len(rows), -1).astype(np.float32) - offset) / divisor


def digits():
    """1,000 images of 8x8 pixels from 0 to 16."""
    from sklearn.datasets import load_digits
    return load_digits().images[:ROWS].astype(np.uint8)[..., None]


def breast_cancer():
    """569 rows of 30 measurements."""
    table = np.genfromtxt(ROOT / "models/data/breast-cancer/breast_cancer.csv", delimiter=",", skip_header=1, dtype=np.float32)
    return table[:, :30]


def mnist_test(folder):
    """The first 1,000 test images, [N, 28, 28, 1], and their labels."""
    def read(stem, header):
        with gzip.open(folder / f"{stem}.gz") as file:
            return np.frombuffer(file.read(), np.uint8, offset=header)

    return read("t10k-images-idx3-ubyte", 16).reshape(-1, 28, 28, 1)[:ROWS], read("t10k-labels-idx1-ubyte", 8)[:ROWS]


class Comparison:
    """Differences as a share of the tolerance `ATOL + RTOL |b|`; the worst one decides."""

    def __init__(self, what):
        self.what, self.worst, self.where, self.numbers, self.cases = what, 0.0, "", 0, 0

    def add(self, case, found, expected):
        """`expected` is the program's."""
        found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
        if found.shape != expected.shape:
            sys.exit(f"{case}: {found.shape} is not {expected.shape}")
        if not (np.isfinite(found).all() and np.isfinite(expected).all()):
            sys.exit(f"{case}: a number is not finite")
        if expected.size == 0 or np.ptp(expected) == 0:
            sys.exit(f"{case}: {expected.size} numbers that are all the same compare nothing")
        shares = np.abs(found - expected) / (ATOL + RTOL * np.abs(expected))
        self.numbers, self.cases = self.numbers + found.size, self.cases + 1
        if shares.max() >= self.worst:
            element = tuple(map(int, np.unravel_index(shares.argmax(), shares.shape)))
            self.worst, self.where = float(shares.max()), f"{case}, element {element}"

    def finish(self):
        """Prints the worst share, and ends the script where it is over 1, or where nothing was compared."""
        if self.cases == 0:
            sys.exit(f"{self.what}: nothing was compared")
        print(f"{self.what}: {self.numbers:,} numbers of {self.cases} models, worst {self.worst:.3f} of the tolerance "
              f"({ATOL:g} + {RTOL:g} |b|) at {self.where}")
        if self.worst > 1:
            sys.exit(f"{self.what}: FAILED")
