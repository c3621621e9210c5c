"""`relumine export --format safetensors` and `--init-from` against PyTorch.

    python tests/peers/torch_weights.py --relumine target/debug/relumine [--mnist FOLDER]

Out: the file loads into the state of a `torch.nn.Sequential` by the lines of the export crate's documentation, and the logits agree with
`relumine predict`, on 1,000 test rows of MNIST, or of digits without it. The npz file holds the same bits. In: the state of a Sequential,
in f32, f64 and bf16, becomes the initial weights of a run, bit by bit, and a file that has changed is noticed.
"""
import subprocess

import numpy as np
import safetensors.torch
import torch
from torch import nn

from support.program import Comparison, Program, arguments, digits, mnist_test, scaled

CASES = {
    "relu": (nn.ReLU, "none", None),
    "silu and batch": (nn.SiLU, "batch", nn.BatchNorm1d),
    "gelu and layer": (nn.GELU, "layer", nn.LayerNorm),
}
HIDDEN = [64, 48, 32, 24, 24, 24]  # more than ten modules: their numbers have one digit and two


def sequential(features, activation, norm):
    """Linear, norm, activation, dropout, and again; at last a Linear."""
    modules, width = [], features
    for units in HIDDEN:
        modules += [nn.Linear(width, units), *([norm(units)] if norm else []), activation(), nn.Dropout(0.5)]
        width = units
    return nn.Sequential(*modules, nn.Linear(width, 10)).eval()


def load(model, path):
    """As in the documentation of crates/export."""
    tensors = safetensors.torch.load_file(path)
    prefixes = [p for i in range(len(tensors)) for p in (f"layers.{i}.", f"layers.{i}.norm.") if p + "weight" in tensors]
    modules = [module for module in model if module.state_dict()]
    assert len(prefixes) == len(modules)
    for prefix, module in zip(prefixes, modules):
        state = {name.removeprefix(prefix): value for name, value in tensors.items() if name.rpartition(".")[0] + "." == prefix}
        assert set(module.state_dict()) - set(state) <= {"num_batches_tracked"}
        module.load_state_dict(state, strict=False)
    return tensors


def check_export(program, recipe, rows, comparison):
    for case, (activation, norm, module) in CASES.items():
        name = activation.__name__.lower()
        run = program.train(name, *recipe, train__max_steps=30, model__hidden=HIDDEN, model__activation=name, model__norm=norm)
        program.run("export", run, "--format", "safetensors", "--out", f"{name}.safetensors")
        program.run("export", run, "--format", "npz", "--out", f"{name}.npz")
        inputs = scaled(run, rows)
        model = sequential(inputs.shape[1], activation, module)
        tensors = load(model, program.path / f"{name}.safetensors")
        arrays = np.load(program.path / f"{name}.npz")
        assert set(arrays) == set(tensors)
        assert all(arrays[key].tobytes() == value.numpy().tobytes() for key, value in tensors.items())
        with torch.inference_mode():
            comparison.add(case, model(torch.from_numpy(inputs)).numpy(), program.predict(run, rows)[0])


def check_import(program):
    """The initial weights of runs that start from states of PyTorch."""
    tensors = 0
    for case, (activation, norm, module) in CASES.items():
        name = activation.__name__.lower()
        for dtype in (torch.float32, torch.float64, torch.bfloat16):
            torch.manual_seed(1)
            model = sequential(64, activation, module).to(dtype)
            for buffer in model.buffers():
                if buffer.is_floating_point():
                    buffer.uniform_(0.5, 1.5)
            out = f"from-{name}-{dtype}"
            safetensors.torch.save_file(model.state_dict(), program.path / "weights.safetensors")
            init = ("--init-from", "weights.safetensors")
            run = program.train(out, *init, train__max_steps=1, model__hidden=HIDDEN, model__activation=name, model__norm=norm)
            initial = safetensors.torch.load_file(run / "initial.safetensors")
            state = [value.float() for key, value in model.state_dict().items() if not key.endswith("num_batches_tracked")]
            order = [(i, part, end) for i in range(len(HIDDEN) + 1) for part in ("", "norm.")
                     for end in ("weight", "bias", "running_mean", "running_var")]
            ours = [initial[key] for i, part, end in order if (key := f"layers.{i}.{part}{end}") in initial]
            assert len(state) == len(ours) == len(initial)
            assert all(torch.equal(mine, theirs) for mine, theirs in zip(ours, state)), f"{case} in {dtype}"
            tensors += len(ours)
    return run, tensors


def check_change(program, run):
    """The recipe of a run knows which file it started with."""
    weights = safetensors.torch.load_file(program.path / "weights.safetensors")
    weights["0.bias"] += 1
    safetensors.torch.save_file(weights, program.path / "weights.safetensors")
    command = [program.binary, "train", run / "recipe.toml", "--out", "again"]
    ended = subprocess.run(command, cwd=program.path, capture_output=True, text=True)
    assert ended.returncode == 1 and "has changed since" in ended.stderr, ended


def main():
    given = arguments(__doc__)
    torch.set_num_threads(1)
    program = Program(given.relumine)
    recipe, rows = ("quickstart",), digits()
    if given.mnist:
        recipe, rows = ("quickstart", "--data", given.mnist.resolve()), mnist_test(given.mnist)[0]
    print(f"torch {torch.__version__}")
    comparison = Comparison(f"logits of {'MNIST' if given.mnist else 'digits'} test rows")
    check_export(program, recipe, rows, comparison)
    comparison.finish()
    run, tensors = check_import(program)
    check_change(program, run)
    print(f"initial weights from states of PyTorch: {tensors} tensors are the same bits")


if __name__ == "__main__":
    main()
