"""The dense products of the seed job's layers by the peers' matrix libraries, in GFLOP/s: what a fused step could be built on.

    python scripts/peers/products.py --threads 2          # with numpy (OpenBLAS), torch (MKL and oneDNN) and jax

Beside them belong the same products of Relumine's own: cargo bench -p relumine-kernels --bench products.
"""
import argparse
import os
import statistics
import time

ROWS = 128
LAYERS = [(784, 256), (256, 256), (256, 10)]
ROUNDS, SECONDS = 5, 0.2


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = str(arguments.threads)
    if arguments.threads == 1 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # one core, whatever pool the library makes
    return arguments


def libraries(threads):
    """Each library's name, and a function that makes one product of two numpy matrices, ready to be called again and again."""
    import numpy as np

    def numpy_product(a, b):
        out = np.empty((a.shape[0], b.shape[1]), np.float32)
        return lambda: np.matmul(a, b, out=out)

    yield f"numpy {np.__version__}", numpy_product
    try:
        import torch

        torch.set_num_threads(threads)

        def torch_product(a, b):
            a, b = torch.from_numpy(a), torch.from_numpy(b)
            out = torch.empty(a.shape[0], b.shape[1])
            return lambda: torch.mm(a, b, out=out)

        yield f"torch {torch.__version__}", torch_product
    except ImportError:
        print("torch: not installed")
    try:
        import jax

        multiply = jax.jit(lambda a, b: a @ b)

        def jax_product(a, b):
            a, b = jax.numpy.asarray(a), jax.numpy.asarray(b)
            return lambda: multiply(a, b).block_until_ready()

        yield f"jax {jax.__version__}", jax_product
    except ImportError:
        print("jax: not installed")


def rate(product, flops):
    """The median over rounds of the rate of a fifth of a second."""
    def one_round():
        calls, start = 0, time.perf_counter()
        while time.perf_counter() - start < SECONDS:
            product()
            calls += 1
        return calls * flops / (time.perf_counter() - start) / 1e9

    product()
    return statistics.median(one_round() for _ in range(ROUNDS))


def main():
    threads = parse().threads
    import numpy as np

    draw = lambda *shape: np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    for name, product in libraries(threads):
        for fan_in, fan_out in LAYERS:
            x, w, dz = draw(ROWS, fan_in), draw(fan_in, fan_out), draw(ROWS, fan_out)
            flops = 2 * ROWS * fan_in * fan_out
            forward, of_weight, of_input = (rate(product(a, b), flops) for a, b in ((x, w), (x.T, dz), (dz, w.T)))
            print(f"{name}, {threads} threads, {fan_in} -> {fan_out}: forward {forward:.0f}, of the weight {of_weight:.0f}, of the input {of_input:.0f} GFLOP/s")


if __name__ == "__main__":
    main()
