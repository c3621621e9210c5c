#!/usr/bin/env python3
"""Computes what probes.jsonl says of deep networks with JAX, in 64 bits, from the weights that the run saved.

    python tests/peers/probes.py --relumine target/debug/relumine [--mnist FOLDER]

Needs the packages jax, optax, numpy, safetensors and scikit-learn. Ten hidden layers of 256 units, Glorot weights, batches of 1,000 rows
that are all the train rows: before training, and after one step of Adam. Compared, for every layer: norm, mean, standard deviation and
percentiles of the activations, of the gradients at the pre-activations and at the weights, the shares of saturated and dead units, the norm
of the weight and the update ratio. Means, deviations and percentiles may differ by 1e-4 of the root of the mean square, norms by 1e-4 of
themselves (ten layers in 32 bits, there and back), and shares by two values. ReLU's slope jumps at zero, and rounding decides on which side
a pre-activation lies that is within 5e-6 of its layer's root of the mean square: gradients are computed with all of those on and with all
of them off, and may differ by what lies between the two besides: a hundred tolerances, or 1 %, at most.

And with MNIST, on its first 128 train rows: the norms of the weights' gradients before training, first layer and last, over five seeds,
beside JAX's with draws of its own. The means may differ by a factor of 1.5.
"""
import gzip
import json
import sys

import jax
import numpy as np
import safetensors.numpy
from support.program import Program, arguments

jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp
import optax

PERCENTILES, HIDDEN, TOLERANCE, NEAR_ZERO, MOST_FREE = [1, 5, 25, 50, 75, 95, 99], [256] * 10, 1e-4, 5e-6, 100


def relu_from(share):
    """ReLU whose slope is 1 from that share of the layer's root of the mean square on."""
    return lambda z: jnp.where(z > share * jnp.sqrt((z**2).mean()), z, 0.0)


ACTIVATIONS = {"sigmoid": jax.nn.sigmoid, "relu": jax.nn.relu, "tanh": jnp.tanh}
SIDES = {"relu": [relu_from(NEAR_ZERO), relu_from(-NEAR_ZERO)]}
SATURATED = {"sigmoid": lambda y: (y < 0.05) | (y > 0.95), "tanh": lambda y: abs(y) > 0.95}
ROWS, VANISHING_ROWS, SEEDS = 1_000, 128, 5


def forward(weights, shifts, inputs, activation):
    """The outputs of every layer, whose pre-activations are shifted by zeros that can be differentiated."""
    outputs = []
    for number, ((weight, bias), shift) in enumerate(zip(weights, shifts)):
        z = inputs @ weight.T + bias + shift
        inputs = z if number == len(weights) - 1 else activation(z)
        outputs.append(inputs)
    return outputs


def loss(weights, shifts, inputs, labels, activation):
    logits = forward(weights, shifts, inputs, activation)[-1]
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


def weights_of(path):
    tensors = safetensors.numpy.load_file(path)
    return [[jnp.array(tensors[f"layers.{number}.{part}"], float) for part in ("weight", "bias")] for number in range(len(HIDDEN) + 1)]


def read_mnist(folder):
    def read(stem, header):
        with gzip.open(folder / f"{stem}.gz") as file:
            return np.frombuffer(file.read(), np.uint8, offset=header)

    return read("train-images-idx3-ubyte", 16).reshape(-1, 28, 28, 1), read("train-labels-idx1-ubyte", 8)


class Worst:
    share, where, numbers, free, freest = 0.0, "", 0, 0.0, ""

    def add(self, where, found, expected, allowed):
        share = abs(found - expected) / allowed if allowed > 0 else (0.0 if found == expected else np.inf)
        self.numbers += 1
        if np.isnan(share):
            sys.exit(f"probes: FAILED: {where}: {found} for {expected}")
        if not share <= self.share:
            self.share, self.where = share, f"{where}: {found} for {expected}"

    def distribution(self, where, found, sides):
        """Compares with the statistics of the first of some arrays; what lies between it and the others is for rounding to decide."""
        sides = [np.asarray(side, np.float64).ravel() for side in sides]
        norm, usual = np.linalg.norm(sides[0]), np.sqrt((sides[0]**2).mean())
        scales = [norm] + [usual] * (2 + len(PERCENTILES))
        statistics = np.array([[np.linalg.norm(side), side.mean(), side.std(), *np.percentile(side, PERCENTILES)] for side in sides])
        between = abs(statistics - statistics[0]).max(0)
        ours = [found["norm"], found["mean"], found["standard_deviation"], *found["percentiles"]]
        names = ["norm", "mean", "standard deviation"] + [f"percentile {percent}" for percent in PERCENTILES]
        for name, mine, theirs, scale, free in zip(names, ours, statistics[0], scales, between, strict=True):
            self.free, self.freest = max((self.free, self.freest), (free / (TOLERANCE * scale), f"{where} {name}"))
            self.add(f"{where} {name}", mine, theirs, TOLERANCE * scale + free)


def compare(worst, what, record, before, weights, inputs, labels, name):
    activation = ACTIVATIONS[name]
    shifts = [jnp.zeros((len(inputs), len(bias))) for _, bias in weights]
    gradients = [jax.grad(loss, (0, 1))(weights, shifts, inputs, labels, side) for side in [activation, *SIDES.get(name, [])]]
    outputs = forward(weights, shifts, inputs, activation)
    worst.add(f"{what} loss", record["loss"], float(loss(weights, shifts, inputs, labels, activation)), TOLERANCE)
    for number, layer in enumerate(record["layers"]):
        where, output, is_hidden = f"{what} {layer['layer']}", outputs[number], number < len(HIDDEN)
        worst.distribution(f"{where} activations", layer["activations"], [output])
        worst.distribution(f"{where} gradients", layer["gradients"], [at_shifts[number] for _, at_shifts in gradients])
        worst.distribution(f"{where} weight gradients", layer["weight_gradients"], [at_weights[number][0] for at_weights, _ in gradients])
        saturated = SATURATED[name](output).mean() if is_hidden and name in SATURATED else None
        dead = (output == 0).all(0).mean() if is_hidden and name == "relu" else None
        for key, expected, values in [("saturated", saturated, output.size), ("dead", dead, output.shape[1])]:
            if (expected is None) != (layer[key] is None):
                sys.exit(f"{where}: {key} is {layer[key]}, and {expected} by JAX")
            if expected is not None:
                worst.add(f"{where} {key}", layer[key], float(expected), 2 / values)
        norm = float(jnp.linalg.norm(weights[number][0]))
        worst.add(f"{where} weight norm", layer["weight_norm"], norm, TOLERANCE * norm)
        if before is not None:
            change = float(jnp.linalg.norm(weights[number][0] - before[number][0]) / jnp.linalg.norm(before[number][0]))
            worst.add(f"{where} update ratio", layer["update_ratio"], change, TOLERANCE * change)


def train(program, name, images, labels, rows, seed=0):
    folder = program.path / f"rows-{rows}.npz"
    if not folder.exists():
        np.savez(folder, x_train=images[:rows], y_train=labels[:rows], x_test=images[rows:rows + 20], y_test=labels[rows:rows + 20])
    keys = dict(data__name=folder, data__validation=0, data__scale="unit", model__hidden=HIDDEN, model__activation=name,
                train__max_steps=1, train__seed=seed, probes__every=1, probes__rows=rows)
    run = program.train(f"{name}-{rows}-{seed}", "quickstart", **keys)
    return run, [json.loads(line) for line in (run / "probes.jsonl").read_text().splitlines()]


def compare_networks(program, images, labels):
    worst = Worst()
    for name in ACTIVATIONS:
        run, records = train(program, name, images, labels, ROWS)
        model = json.loads((run / "model.json").read_text())
        inputs = jnp.array((images[:ROWS].reshape(ROWS, -1) - np.array(model["offset"])) / np.array(model["divisor"]))
        initial, last = weights_of(run / "initial.safetensors"), weights_of(run / "checkpoints/last.safetensors")
        if [(record["step"], record["rows"]) for record in records] != [(0, ROWS), (1, ROWS)]:
            sys.exit(f"{name}: {[(record['step'], record['rows']) for record in records]} is not a probe before and after a step")
        compare(worst, f"{name}, step 0,", records[0], None, initial, inputs, labels[:ROWS], name)
        compare(worst, f"{name}, step 1,", records[1], initial, last, inputs, labels[:ROWS], name)
    print(f"probes: {worst.numbers:,} numbers, worst {worst.share:.3f} of the tolerance at {worst.where}")
    print(f"slopes that rounding decides move {worst.freest} by {worst.free:.1f} tolerances, all others by less")
    if not (worst.share <= 1 and worst.free <= MOST_FREE):
        sys.exit("probes: FAILED")


def norms_of_jax(name, inputs, labels, seed):
    glorot, sizes = jax.nn.initializers.glorot_uniform(), [inputs.shape[1], *HIDDEN, 10]
    keys = jax.random.split(jax.random.key(seed), len(sizes) - 1)
    weights = [[glorot(key, (fan_in, units)).T, jnp.zeros(units)] for key, fan_in, units in zip(keys, sizes, sizes[1:])]
    gradients = jax.grad(loss)(weights, [0.0] * len(weights), inputs, labels, ACTIVATIONS[name])
    return [float(jnp.linalg.norm(gradients[position][0])) for position in (0, -1)]


def compare_vanishing(program, images, labels):
    inputs = jnp.array(images[:VANISHING_ROWS].reshape(VANISHING_ROWS, -1) / 255)
    for name in ("sigmoid", "relu"):
        ours = []
        for seed in range(SEEDS):
            layers = train(program, name, images, labels, VANISHING_ROWS, seed)[1][0]["layers"]
            ours.append([layers[position]["weight_gradients"]["norm"] for position in (0, -1)])
        theirs = [norms_of_jax(name, inputs, labels[:VANISHING_ROWS], seed) for seed in range(SEEDS)]
        for end, ours, theirs in zip(("first", "last"), np.transpose(ours), np.transpose(theirs)):
            print(f"{name}, {end} layer: gradient norm {ours.mean():.2e} ({ours.min():.2e} to {ours.max():.2e}), "
                  f"JAX {theirs.mean():.2e} ({theirs.min():.2e} to {theirs.max():.2e})")
            if not 1 / 1.5 < ours.mean() / theirs.mean() < 1.5:
                sys.exit(f"{name}, {end} layer: FAILED")


def main():
    given = arguments(__doc__)
    program = Program(given.relumine)
    if given.mnist:
        images, labels = read_mnist(given.mnist)
        compare_networks(program, images, labels)
        compare_vanishing(program, images, labels)
    else:
        from sklearn.datasets import load_digits
        found = load_digits()
        compare_networks(program, found.images.astype(np.uint8)[..., None], found.target)


if __name__ == "__main__":
    main()
