"""What the peers share: arguments, MNIST, and the one JSON line they print. Import it before the framework: it sets thread counts."""
import argparse
import gzip
import json
import os
import statistics

import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("--data", required=True, help="a folder of MNIST's four gzip IDX files")
parser.add_argument("--epochs", type=int, default=5)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--dropout", type=float, default=0.5)
parser.add_argument("--hidden", type=int, default=256, help="units of each of the two hidden layers")
parser.add_argument("--batch", type=int, default=128)
parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")

LEARNING_RATE, TRAIN_ROWS = 1e-3, 55_000


def parse():
    arguments = parser.parse_args()
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = str(arguments.threads)
    if arguments.threads == 1 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # one core, whatever pool the framework makes
    return arguments


def load_mnist_gz(folder):
    """(features in [0, 1] as f32, labels) of the 60,000 train rows and of the 10,000 test rows."""
    def read(stem, header):
        with gzip.open(os.path.join(folder, stem + ".gz")) as file:
            return np.frombuffer(file.read(), np.uint8, offset=header)

    def pair(part):
        images = read(f"{part}-images-idx3-ubyte", 16).reshape(-1, 784).astype(np.float32) / np.float32(255)
        return images, read(f"{part}-labels-idx1-ubyte", 8)

    return pair("train"), pair("t10k")


def mnist(folder):
    """The first 55,000 train rows, and the test rows."""
    (images, labels), test = load_mnist_gz(folder)
    return (images[:TRAIN_ROWS], labels[:TRAIN_ROWS]), test


def report(name, version, epoch_seconds, train_loss, test_accuracy):
    """Epoch 1 holds compilation: the median is over the later ones."""
    print(json.dumps({"peer": name, "version": version, "epoch_seconds_median": statistics.median(epoch_seconds[1:] or epoch_seconds),
                      "epoch_seconds": epoch_seconds, "train_loss": train_loss, "test_accuracy": test_accuracy}))
