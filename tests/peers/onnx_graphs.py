"""`relumine export --format onnx` against ONNX Runtime: every activation under every norm and both heads.

    python tests/peers/onnx_graphs.py --relumine target/debug/relumine [--mnist FOLDER]

Every model is trained for a few steps on digits (softmax) or breast-cancer (sigmoid), exported twice (scaled features to logits; raw rows
to probabilities), accepted by onnx.checker with full_check, and computed by ONNX Runtime on the CPU. `relumine predict` is what it is
compared with, on 1,000 rows, or all 569 of breast-cancer. With MNIST, three models are compared on 1,000 test rows of it, too.
"""
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import onnxruntime

from support.program import Comparison, Program, arguments, breast_cancer, digits, mnist_test, scaled, signature, ROOT

ACTIVATIONS = [
    "identity", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "softplus", "softsign", "hard_sigmoid", "mish",
    "scaled_tanh", "maxout",
    '{ name = "leaky_relu", negative_slope = 0.3 }', '{ name = "elu", alpha = 0.5 }', '{ name = "gelu", approximate = "tanh" }',
    '{ name = "maxout", pieces = 3 }',
]
NORMS = ["none", "batch", "layer", '{ name = "batch", position = "after_activation" }', '{ name = "layer", position = "after_activation" }']
HEADS = {"softmax": ("quickstart", digits), "sigmoid": (ROOT / "models/breast-cancer.toml", breast_cancer)}
OF_MNIST = [("relu", "none"), ("gelu", "batch"), ("maxout", "layer")]


def session(path):
    """The file in ONNX Runtime, once the checker has accepted it."""
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert [opset.version for opset in model.opset_import] == [17], model.opset_import
    assert {entry.key for entry in model.metadata_props} == {"classes", "recipe", "relumine"}
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def compute(graph, rows, output):
    """What the graph makes of all rows at once; the first row alone must give the same, as the batch is free."""
    assert [value.name for value in graph.get_inputs()] == ["input"] and [value.name for value in graph.get_outputs()] == [output]
    everything = graph.run(None, {"input": rows})[0]
    np.testing.assert_allclose(graph.run(None, {"input": rows[:1]})[0], everything[:1], rtol=1e-4, atol=1e-5)
    assert graph.run(None, {"input": rows[:0]})[0].shape == (0, *everything.shape[1:])
    return everything


def check(program, case, recipe, rows, data=(), **settings):
    """Both graphs of one model: (case, [(found, expected), ..])."""
    run = program.train(f"run-{case}", recipe, *data, train__max_steps=8, model__hidden="[24, 16]", **settings)
    logits, probabilities = program.predict(run, rows)
    plain, whole = program.path / f"{case}.onnx", program.path / f"{case}-whole.onnx"
    program.run("export", run, "--format", "onnx", "--out", plain)
    program.run("export", run, "--format", "onnx", "--out", whole, "--raw-input", "--probabilities")
    shape = (len(rows), *signature(run)[0])
    found = compute(session(plain), scaled(run, rows).reshape(shape), "logits")
    whole = compute(session(whole), rows.astype(np.float32).reshape(shape), "probabilities")
    return settings, [(found, logits), (whole, probabilities)]


def main():
    given = arguments(__doc__)
    program = Program(given.relumine)
    jobs = []
    for head, (recipe, rows) in HEADS.items():
        rows = rows()
        for activation in ACTIVATIONS:
            for norm in NORMS:
                jobs.append((len(jobs), recipe, rows, (), dict(model__activation=activation, model__norm=norm, model__head=head)))
    if given.mnist:
        for activation, norm in OF_MNIST:
            settings = dict(model__activation=activation, model__norm=norm)
            data = ("--data", given.mnist.resolve())
            jobs.append((len(jobs), "quickstart", mnist_test(given.mnist)[0], data, settings))
    logits, probabilities = Comparison("logits of scaled features"), Comparison("probabilities of raw rows")
    with ThreadPoolExecutor(2) as pool:
        for settings, (plain, whole) in pool.map(lambda job: check(program, *job[:4], **job[4]), jobs):
            logits.add(settings, *plain)
            probabilities.add(settings, *whole)
    print(f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}")
    logits.finish()
    probabilities.finish()


if __name__ == "__main__":
    main()
