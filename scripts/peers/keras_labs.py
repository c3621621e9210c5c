#!/usr/bin/env python3
"""Trains the six labs of models/lab in Keras 3 on JAX, to set beside `scripts/labs`. Needs keras and jax (`target/peers` has them).

    KERAS_BACKEND=jax python scripts/peers/keras_labs.py --data FOLDER [--seeds 5]

One epoch on MNIST's 60,000 train rows, batch 128, Adam 1e-3, pixels divided by 255; prints mean and standard deviation (n - 1) of the test
accuracy.
"""
import argparse
import os
import statistics

os.environ.setdefault("KERAS_BACKEND", "jax")
import keras  # noqa: E402
from common import load_mnist_gz  # noqa: E402

NORMAL = keras.initializers.RandomNormal
LABS = {"sigmoid-normal": (2, 256, "sigmoid", NORMAL, 0.0, False), "relu-normal": (2, 256, "relu", NORMAL, 0.0, False),
        "relu-glorot": (2, 256, "relu", keras.initializers.GlorotUniform, 0.0, False),
        "deep": (4, 512, "relu", keras.initializers.GlorotUniform, 0.0, False),
        "dropout": (4, 512, "relu", keras.initializers.GlorotUniform, 0.5, False),
        "batchnorm": (4, 512, "relu", keras.initializers.GlorotUniform, 0.0, True)}


def accuracy(lab, seed, train, test):
    depth, width, activation, initializer, dropout, batchnorm = LABS[lab]
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((784,))])
    for _ in range(depth):
        model.add(keras.layers.Dense(width, kernel_initializer=initializer()))
        if batchnorm:
            model.add(keras.layers.BatchNormalization())
        model.add(keras.layers.Activation(activation))
        if dropout:
            model.add(keras.layers.Dropout(dropout))
    model.add(keras.layers.Dense(10, kernel_initializer=initializer()))
    model.compile(keras.optimizers.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    model.fit(*train, batch_size=128, epochs=1, verbose=0)
    return 100 * model.evaluate(*test, batch_size=1000, verbose=0)[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    train, test = load_mnist_gz(arguments.data)
    print(f"Keras {keras.__version__}, {arguments.seeds} seeds\n\n| lab | mean | sd |\n|---|---|---|")
    for lab in LABS:
        values = [accuracy(lab, seed, train, test) for seed in range(arguments.seeds)]
        print(f"| `{lab}` | {statistics.mean(values):.2f} % | {statistics.stdev(values):.2f} |", flush=True)


main()
