"""The seed job in JAX's fastest idiom: a whole epoch, its last partial batch included, in one jitted scan with donated buffers."""
import common

arguments = common.parse()
import os

os.environ["JAX_PLATFORMS"] = arguments.device
if arguments.threads == 1:
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
import functools
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax

jax.config.update("jax_default_matmul_precision", "float32")  # on GPUs it would be TF32, which the others do not take unasked
jax.config.update("jax_default_prng_impl", "rbg")  # the faster generator: dropout draws 65,536 numbers a step
(train_x, train_y), (test_x, test_y) = common.mnist(arguments.data)
x, y = jnp.asarray(train_x), jnp.asarray(train_y.astype(np.int32))
rows, batch, rate = len(train_x), arguments.batch, arguments.dropout
whole = rows // batch

key = jax.random.key(arguments.seed)
glorot = jax.nn.initializers.glorot_uniform()
shapes = [(784, arguments.hidden), (arguments.hidden, arguments.hidden), (arguments.hidden, 10)]
parameters = [(glorot(k, shape), jnp.zeros(shape[1])) for k, shape in zip(jax.random.split(key, 3), shapes)]
adam = optax.adam(common.LEARNING_RATE, eps=1e-8)


def forward(parameters, h, key=None):
    for i, (w, b) in enumerate(parameters[:-1]):
        h = jax.nn.relu(h @ w + b)
        if key is not None and rate > 0:
            keep = jax.random.bernoulli(jax.random.fold_in(key, i), 1 - rate, h.shape)
            h = jnp.where(keep, h / (1 - rate), 0)
    w, b = parameters[-1]
    return h @ w + b


def loss(parameters, x, y, key):
    return optax.softmax_cross_entropy_with_integer_labels(forward(parameters, x, key), y).mean()


def step(carry, index):
    parameters, state, key = carry
    key, dropout_key = jax.random.split(key)
    value, gradients = jax.value_and_grad(loss)(parameters, x[index], y[index], dropout_key)
    updates, state = adam.update(gradients, state, parameters)
    return (optax.apply_updates(parameters, updates), state, key), value * index.shape[0]


@functools.partial(jax.jit, donate_argnums=(0,))
def epoch(carry):
    parameters, state, key = carry
    key, shuffle_key = jax.random.split(key)
    order = jax.random.permutation(shuffle_key, rows)
    carry, losses = jax.lax.scan(step, (parameters, state, key), order[: whole * batch].reshape(whole, batch))
    carry, last = step(carry, order[whole * batch:])
    return carry, (losses.sum() + last) / rows


carry = (parameters, adam.init(parameters), jax.random.key(1000 + arguments.seed))
seconds = []
for _ in range(arguments.epochs):
    started = time.perf_counter()
    carry, mean_loss = epoch(carry)
    mean_loss = float(mean_loss)
    seconds.append(time.perf_counter() - started)
accuracy = float((forward(carry[0], jnp.asarray(test_x)).argmax(1) == jnp.asarray(test_y)).mean())
common.report("jax", jax.__version__, seconds, mean_loss, accuracy)
