#!/usr/bin/env python3
"""Reads the event files of real runs with TensorBoard's own readers, and compares them with the runs' other files.

    python tests/peers/tensorboard.py --relumine target/debug/relumine

Needs the packages tensorboard and numpy. Compared: every scalar with metrics.jsonl and summary.json (equal as 32-bit numbers), every
histogram with numpy on the tensors of the checkpoints (counts, edges, minimum and maximum equal; sums within 1e-12 of the sum of
magnitudes), the recipe's text, and the hparams tab's table. The same for a run that was resumed, for one cut off in the middle of a record,
for one that was trained again on more rows, and over the network from a TensorBoard server with its fast loader.
"""

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

# This file bears the package's name, and its folder comes first where Python looks for packages.
sys.path.pop(0)
import numpy as np
from tensorboard import context as tensorboard_context
from tensorboard.backend.event_processing import data_provider, event_accumulator, plugin_event_multiplexer
from tensorboard.plugins import base_plugin
from tensorboard.plugins.hparams import api_pb2, backend_context, get_experiment, list_session_groups

EVENTS = "events.out.tfevents.relumine"
compared = {"scalars": 0, "histograms": 0, "hyperparameters": 0}
worst = 0.0


def check(condition, message):
    if not condition:
        sys.exit(f"FAILED: {message}")


def relumine(binary, folder, *arguments, code=0):
    ended = subprocess.run([binary, *arguments], cwd=folder, capture_output=True, text=True)
    check(ended.returncode == code, f"relumine {' '.join(arguments)} ended with {ended.returncode}: {ended.stderr}")
    return ended.stdout


def read(path):
    accumulator = event_accumulator.EventAccumulator(str(path), size_guidance={name: 0 for name in event_accumulator.DEFAULT_SIZE_GUIDANCE})
    return accumulator.Reload()


def epochs(run, name="metrics.jsonl"):
    return [json.loads(line) for line in (run / name).read_text().splitlines()]


def tensors(path):
    """A safetensors file of f32 tensors, read by hand."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    body = data[8 + length :]
    return {
        name: np.frombuffer(body[slice(*about["data_offsets"])], dtype="<f4")
        for name, about in header.items()
        if name != "__metadata__"
    }


def compare_scalars(events, run, records, test=None, probes=()):
    expected = {"loss/train": [], "accuracy/train": [], "learning_rate": [], "samples_per_second": []}
    for record in records:
        for key in ["loss", "accuracy"]:
            expected[f"{key}/train"].append((record["step"], record["train"][key]))
            if record["validation"]:
                expected.setdefault(f"{key}/validation", []).append((record["step"], record["validation"][key]))
        for key in ["learning_rate", "samples_per_second"]:
            expected[key].append((record["step"], record[key]))
    if test:
        for key in ["loss", "accuracy"]:
            expected[f"{key}/test"] = [(records[-1]["step"], test[key])]
    for record in probes:
        expected.setdefault("probe/loss", []).append((record["step"], record["loss"]))
        for layer in record["layers"]:
            numbers = {"activations_mean": layer["activations"]["mean"], "activations_deviation": layer["activations"]["standard_deviation"]}
            numbers |= {"gradients": layer["gradients"]["norm"], "weight_gradients": layer["weight_gradients"]["norm"]}
            numbers |= {key: layer[key] for key in ["saturated", "dead", "update_ratio"]}
            for group, value in numbers.items():
                if value is not None:
                    expected.setdefault(f"{group}/{layer['layer']}", []).append((record["step"], value))
    check(set(events.Tags()["scalars"]) == set(expected), f"{run}: scalars {events.Tags()['scalars']}, not {sorted(expected)}")
    for tag, points in expected.items():
        found = [(event.step, np.float32(event.value)) for event in events.Scalars(tag)]
        wanted = [(step, np.float32(value)) for step, value in points]
        check(found == wanted, f"{run}: {tag} is {found}, not {wanted}")
        compared["scalars"] += len(found)


def compare_histogram(name, found, values):
    global worst
    values = values.astype(np.float64)
    check((found.num, found.min, found.max) == (values.size, values.min(), values.max()), f"{name}: number, minimum or maximum differ")
    for what, ours, terms in [("sum", found.sum, values), ("sum of squares", found.sum_squares, values**2)]:
        share = abs(ours - terms.sum()) / (1e-12 * np.abs(terms).sum() + 1e-300)
        worst = max(worst, share)
        check(share <= 1, f"{name}: the {what} is {ours}, not {terms.sum()}")
    if values.min() == values.max():
        check(list(found.bucket) == [values.size], f"{name}: equal values are not in one bucket")
    else:
        counts, edges = np.histogram(values, bins=30)
        check(list(found.bucket) == list(counts), f"{name}: the counts are {list(found.bucket)}, not {list(counts)}")
        check(np.array_equal(found.bucket_limit, edges[1:]), f"{name}: the edges differ")
    compared["histograms"] += 1


def compare_histograms(events, run, records, drawn):
    for when, file, step in [("initial", "initial", 0), ("last", "checkpoints/last", records[-1]["step"])]:
        held = tensors(run / f"{file}.safetensors")
        tags = {f"weights/{name}" for name in held}
        check(set(events.Tags()["histograms"]) == tags, f"{run}: histograms of {events.Tags()['histograms']}, not of {sorted(tags)}")
        for name, values in held.items():
            of_step = [event for event in events.Histograms(f"weights/{name}") if event.step == step]
            check(len(of_step) == 1, f"{run}: {name} has {len(of_step)} histograms at step {step}")
            compare_histogram(f"{run.name}, {when} {name}", of_step[0].histogram_value, values)
    steps = [event.step for event in events.Histograms(next(iter(tags)))]
    check(steps == [0, *drawn], f"{run}: histograms at steps {steps}, not at {[0, *drawn]}")


def compare_text(events, run):
    check(events.Tags()["tensors"] == ["recipe"] or "recipe" in events.Tags()["tensors"], f"{run}: tensors {events.Tags()['tensors']}")
    text = events.Tensors("recipe")[0].tensor_proto.string_val[0].decode()
    shown = "".join(line[4:] + "\n" for line in text.splitlines())
    check(shown == (run / "recipe.toml").read_text(), f"{run}: the recipe's text is not recipe.toml")


def flat(recipe, prefix=""):
    for key, value in recipe.items():
        if isinstance(value, dict):
            # What a setting is called stands under its own key.
            if prefix and "name" in value:
                yield prefix + key, value["name"]
                value = {inner: of for inner, of in value.items() if inner != "name"}
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def compare_hparams(folder, runs):
    """The hparams tab's own code: one session for each run, with every key of its recipe and its scores as metrics."""
    import tomllib

    multiplexer = plugin_event_multiplexer.EventMultiplexer()
    multiplexer.AddRunsFromDirectory(str(folder))
    multiplexer.Reload()
    provider = data_provider.MultiplexerDataProvider(multiplexer, str(folder))
    context = backend_context.Context(base_plugin.TBContext(data_provider=provider, logdir=str(folder)))
    asking = tensorboard_context.RequestContext()
    experiment = get_experiment.Handler(asking, context, "", api_pb2.GetExperimentRequest()).run()
    metrics = {info.name.tag for info in experiment.metric_infos}
    check({"accuracy/test", "accuracy/validation", "loss/train"} <= metrics, f"hparams: metrics {metrics}")
    request = api_pb2.ListSessionGroupsRequest(
        start_index=0,
        slice_size=100,
        allowed_statuses=[api_pb2.STATUS_UNKNOWN, api_pb2.STATUS_SUCCESS, api_pb2.STATUS_FAILURE, api_pb2.STATUS_RUNNING],
        col_params=[api_pb2.ColParams(metric=info.name) for info in experiment.metric_infos],
    )
    groups = list_session_groups.Handler(asking, context, "", request).run().session_groups
    sessions = {session.name: (group, session) for group in groups for session in group.sessions}
    check(set(sessions) == set(runs), f"hparams: sessions {sorted(sessions)}, not {sorted(runs)}")
    for name in runs:
        group, session = sessions[name]
        check(session.status == api_pb2.STATUS_SUCCESS and session.end_time_secs >= session.start_time_secs > 0, f"hparams: {name} has no end")
        recipe = dict(flat(tomllib.loads((folder / name / "recipe.toml").read_text())))
        recipe.pop("train.tensorboard")
        check(set(group.hparams) == set(recipe), f"hparams: {name} has {sorted(group.hparams)}, not {sorted(recipe)}")
        for key, value in recipe.items():
            shown = group.hparams[key]
            kind = shown.WhichOneof("kind")
            found = getattr(shown, kind)
            same = found == value if not isinstance(value, list) else tomllib.loads(f"value = {found}")["value"] == value
            check(same, f"hparams: {key} of {name} is {found}, not {value}")
            compared["hyperparameters"] += 1
        test = json.loads((folder / name / "summary.json").read_text())["test"]
        shown = {value.name.tag: value.value for value in session.metric_values if not value.name.group}
        check(shown["accuracy/test"] == np.float32(test["accuracy"]), f"hparams: the test accuracy of {name} is {shown.get('accuracy/test')}")


def compare_server(folder, run, records):
    """A real server, which loads files by its fast loader, asked over HTTP."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(folder), "--port", str(port), "--host", "127.0.0.1", "--load_fast", "true"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)

    def ask(path):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/data/{path}", timeout=10) as answer:
            return json.load(answer)

    try:
        deadline = time.monotonic() + 90
        tags = {}
        while time.monotonic() < deadline and "loss/test" not in tags.get(run, {}):
            check(server.poll() is None, "the TensorBoard server ended by itself")
            time.sleep(0.5)
            try:
                tags = ask("plugin/scalars/tags")
            except OSError:
                continue
        check("loss/test" in tags.get(run, {}), f"the server knows {tags}")
        points = ask("plugin/scalars/scalars?" + urllib.parse.urlencode({"run": run, "tag": "loss/validation"}))
        wanted = [(record["step"], np.float32(record["validation"]["loss"])) for record in records]
        check([(step, np.float32(value)) for _, step, value in points] == wanted, f"the server shows {points}, not {wanted}")
        histograms = ask("plugin/histograms/tags")
        check("weights/layers.0.weight" in histograms[run], f"the server knows the histograms {histograms}")
        shown = ask("plugin/histograms/histograms?" + urllib.parse.urlencode({"run": run, "tag": "weights/layers.0.weight"}))
        weights = tensors(folder / run / "initial.safetensors")["layers.0.weight"]
        check(sum(bucket[2] for bucket in shown[0][2]) == weights.size, "the server's first histogram does not count every weight")
        check("recipe" in json.dumps(ask("plugin/text/tags")), "the server shows no recipe")
    finally:
        server.terminate()
        server.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--relumine", required=True, help="the program")
    parser.add_argument("--mnist", help="not needed: the digits inside the program are trained on")
    binary = str(Path(parser.parse_args().relumine).resolve())
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        train = ["train", "quickstart", "--quiet", "--device", "cpu", "--tensorboard", "--set"]
        relumine(binary, folder, *train, "model.norm=batch", "--epochs", "4", "--out", "plain")
        relumine(binary, folder, *train, "optimizer.ema_decay=0.9", "--epochs", "120", "--set", "model.hidden=[8]", "--out", "long")
        relumine(binary, folder, *train, "train.refit=true", "--epochs", "2", "--set", "model.hidden=[8]", "--out", "again")
        relumine(binary, folder, *train, "model.dropout=0.1", "--epochs", "2", "--out", "resumed")
        relumine(binary, folder, "train", "--resume", "resumed", "--epochs", "5", "--quiet")
        # Probes, of which that at the first end is none of the longer run; and a file that was lost, and is made anew from the others.
        for name in ["probed", "lost"]:
            relumine(binary, folder, *train, "model.activation=sigmoid", "--epochs", "2", "--probe-every", "7", "--out", name)
        (folder / "lost" / EVENTS).unlink()
        for name in ["probed", "lost"]:
            relumine(binary, folder, "train", "--resume", name, "--epochs", "4", "--quiet")
            test = json.loads((folder / name / "summary.json").read_text())["test"]
            probes = epochs(folder / name, "probes.jsonl")
            check([record["step"] for record in probes] == [0, 7, 14, 21, 28, 35, 40], f"{name}: probes of {probes}")
            compare_scalars(read(folder / name / EVENTS), folder / name, epochs(folder / name), test, probes)

        # Histograms of 120 epochs are drawn every third.
        for name, every in [("plain", 1), ("long", 3), ("again", 1), ("resumed", 1)]:
            run = folder / name
            events, records = read(run / EVENTS), epochs(run)
            test = json.loads((run / "summary.json").read_text())["test"]
            compare_scalars(events, run, records, test)
            drawn = [record["step"] for record in records if record["epoch"] % every == 0]
            compare_histograms(events, run, records, drawn)
            compare_text(events, run)
        check(len(epochs(folder / "resumed")) == 5, "the resumed run has not 5 epochs")
        refit = read(folder / "again/refit" / EVENTS)
        compare_scalars(refit, folder / "again/refit", epochs(folder / "again", "refit.metrics.jsonl"))
        compare_hparams(folder, ["plain", "long", "again", "resumed", "probed", "lost"])
        compare_server(folder, "resumed", epochs(folder / "resumed"))

        # A file that ends in the middle of a record, as after a kill, is read up to there.
        whole = (folder / "plain" / EVENTS).read_bytes()
        for end in [len(whole) // 2, len(whole) - 1]:
            cut = folder / "cut" / EVENTS
            cut.parent.mkdir(exist_ok=True)
            cut.write_bytes(whole[:end])
            found = [event.step for event in read(cut).Scalars("loss/train")]
            steps = [record["step"] for record in epochs(folder / "plain")]
            check(0 < len(found) <= 4 and found == steps[: len(found)], f"a cut file has the steps {found}, not the first of {steps}")
    counts = ", ".join(f"{count} {what}" for what, count in compared.items())
    print(f"tensorboard: {counts} agree; the worst sum takes {100 * worst:.2g} % of its tolerance")


if __name__ == "__main__":
    main()
