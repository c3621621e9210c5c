"""The seed job in PyTorch: eager with the fused Adam, (--compile) model and loss compiled by torch.compile, or (--graph, on CUDA) every step
of an epoch one replay of a CUDA graph, the last partial batch of another. All data are on the device; sums are read once an epoch."""
import common

common.parser.add_argument("--compile", action="store_true")
common.parser.add_argument("--graph", action="store_true")
arguments = common.parse()
import time

import torch
from torch import nn

if arguments.graph and arguments.device != "cuda":
    raise SystemExit("torch_seed: --graph is for --device cuda")
torch.set_num_threads(arguments.threads)
torch.set_flush_denormal(True)
torch.manual_seed(arguments.seed)
(train_x, train_y), (test_x, test_y) = common.mnist(arguments.data)
device = torch.device(arguments.device)
x, y = torch.from_numpy(train_x).to(device), torch.from_numpy(train_y.astype("int64")).to(device)
rows, rate = len(x), arguments.dropout


def hidden(fan_in):
    return [nn.Linear(fan_in, arguments.hidden), nn.ReLU(inplace=True), *([nn.Dropout(rate)] if rate > 0 else [])]


model = nn.Sequential(*hidden(784), *hidden(arguments.hidden), nn.Linear(arguments.hidden, 10))
for layer in model:
    if isinstance(layer, nn.Linear):
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)
model.to(device)
adam = torch.optim.Adam(model.parameters(), lr=common.LEARNING_RATE, fused=True, capturable=arguments.graph)
total = torch.zeros((), device=device)


def loss_of(x, y):
    return nn.functional.cross_entropy(model(x), y)


if arguments.compile:
    loss_of = torch.compile(loss_of, dynamic=False)


def step(index):
    adam.zero_grad(set_to_none=True)
    loss = loss_of(x[index], y[index])
    loss.backward()
    adam.step()
    total.add_(loss.detach() * len(index))


def recorded(count):
    """A step on `count` rows as a graph; what it reads is copied into the returned index. Three real steps go before, as PyTorch asks for."""
    index = torch.randperm(rows, device=device)[:count]
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step(index)
    torch.cuda.current_stream().wait_stream(side)
    adam.zero_grad(set_to_none=True)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step(index)

    def replay(rows_of_batch):
        index.copy_(rows_of_batch)
        graph.replay()

    return replay


def synchronize():
    if device.type == "cuda":
        torch.cuda.synchronize()


model.train()
steps = {}
if arguments.graph:
    steps = {count: recorded(count) for count in {arguments.batch, rows % arguments.batch} if count}
seconds = []
for _ in range(arguments.epochs):
    synchronize()
    started = time.perf_counter()
    model.train()
    total.zero_()
    for index in torch.randperm(rows, device=device).split(arguments.batch):
        steps.get(len(index), step)(index)
    mean_loss = total.item() / rows
    seconds.append(time.perf_counter() - started)
model.eval()
with torch.inference_mode():
    right = model(torch.from_numpy(test_x).to(device)).argmax(1).cpu() == torch.from_numpy(test_y.astype("int64"))
name = "torch-compiled" if arguments.compile else "torch-graph" if arguments.graph else "torch"
common.report(name, torch.__version__, seconds, mean_loss, right.float().mean().item())
