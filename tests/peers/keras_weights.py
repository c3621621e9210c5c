"""`relumine export --format safetensors` against Keras 3 (on JAX).

    python tests/peers/keras_weights.py --relumine target/debug/relumine [--mnist FOLDER]

The weights go into a `keras.Sequential`: a kernel is our weight transposed, and a norm's gamma, beta, moving mean and moving variance are
our weight, bias, running_mean and running_var. The logits agree with `relumine predict` on 1,000 test rows of MNIST, or of digits without
it.
"""
import os

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"

import keras
import safetensors.numpy

from support.program import Comparison, Program, arguments, digits, mnist_test, scaled

HIDDEN = [64, 32]
# Epsilon is given: Keras has 1e-3 where PyTorch and the program have 1e-5.
CASES = {
    ("relu", "none"): None,
    ("tanh", "batch"): lambda: keras.layers.BatchNormalization(epsilon=1e-5),
    ("mish", "layer"): lambda: keras.layers.LayerNormalization(epsilon=1e-5),
}
PARTS = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}


def sequential(features, activation, norm):
    layers = [keras.Input([features])]
    for units in HIDDEN:
        layers += [keras.layers.Dense(units), *([norm()] if norm else []), keras.layers.Activation(activation)]
    return keras.Sequential([*layers, keras.layers.Dense(10)])


def load(model, tensors):
    position = -1
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dense):
            position += 1
            layer.set_weights([tensors.pop(f"layers.{position}.weight").T, tensors.pop(f"layers.{position}.bias")])
        elif layer.weights:
            layer.set_weights([tensors.pop(f"layers.{position}.norm.{PARTS[weight.name]}") for weight in layer.weights])
    assert not tensors, tensors.keys()


def main():
    given = arguments(__doc__)
    program = Program(given.relumine)
    recipe, rows = ("quickstart",), digits()
    if given.mnist:
        recipe, rows = ("quickstart", "--data", given.mnist.resolve()), mnist_test(given.mnist)[0]
    print(f"keras {keras.__version__} on {keras.backend.backend()}")
    comparison = Comparison(f"logits of {'MNIST' if given.mnist else 'digits'} test rows")
    for (activation, norm), module in CASES.items():
        run = program.train(activation, *recipe, train__max_steps=30, model__hidden=HIDDEN, model__activation=activation, model__norm=norm)
        program.run("export", run, "--format", "safetensors", "--out", f"{activation}.safetensors")
        inputs = scaled(run, rows)
        model = sequential(inputs.shape[1], activation, module)
        load(model, safetensors.numpy.load_file(program.path / f"{activation}.safetensors"))
        comparison.add(f"{activation} and {norm}", keras.ops.convert_to_numpy(model(inputs, training=False)), program.predict(run, rows)[0])
    comparison.finish()


if __name__ == "__main__":
    main()
