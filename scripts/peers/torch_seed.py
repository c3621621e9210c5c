"""The seed job in PyTorch: eager with the fused Adam, or (--compile) model and loss compiled by torch.compile."""
import common

common.parser.add_argument("--compile", action="store_true")
arguments = common.parse()
import time

import torch
from torch import nn

torch.set_num_threads(arguments.threads)
torch.set_flush_denormal(True)
torch.manual_seed(arguments.seed)
(train_x, train_y), (test_x, test_y) = common.mnist(arguments.data)
x, y = torch.from_numpy(train_x), torch.from_numpy(train_y.astype("int64"))
rows, rate = len(x), arguments.dropout


def hidden(fan_in):
    return [nn.Linear(fan_in, arguments.hidden), nn.ReLU(inplace=True), *([nn.Dropout(rate)] if rate > 0 else [])]


model = nn.Sequential(*hidden(784), *hidden(arguments.hidden), nn.Linear(arguments.hidden, 10))
for layer in model:
    if isinstance(layer, nn.Linear):
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)
adam = torch.optim.Adam(model.parameters(), lr=common.LEARNING_RATE, fused=True)


def loss_of(x, y):
    return nn.functional.cross_entropy(model(x), y)


if arguments.compile:
    loss_of = torch.compile(loss_of, dynamic=False)

seconds = []
for _ in range(arguments.epochs):
    started = time.perf_counter()
    model.train()
    total = torch.zeros(())
    for index in torch.randperm(rows).split(arguments.batch):
        adam.zero_grad(set_to_none=True)
        loss = loss_of(x[index], y[index])
        loss.backward()
        adam.step()
        total += loss.detach() * len(index)
    mean_loss = total.item() / rows
    seconds.append(time.perf_counter() - started)
model.eval()
with torch.inference_mode():
    accuracy = (model(torch.from_numpy(test_x)).argmax(1) == torch.from_numpy(test_y.astype("int64"))).float().mean().item()
common.report("torch-compiled" if arguments.compile else "torch", torch.__version__, seconds, mean_loss, accuracy)
