"""Writes the same rows in every format with pandas, pyarrow, NumPy and Pillow, and asks relumine whether they are the same data.

    python tests/peers/data_formats.py --relumine target/release/relumine [--mnist FOLDER]

The table is models/data/breast-cancer/breast_cancer.csv: its numbers as 64-bit floats, rounded by this program to 32 bits, must be the bits
that it reads from the decimal text. MNIST's four IDX files are compared with an .npz file, .npy files, and Parquet files of PNG images as
the `datasets` library writes them. Tolerance: none. Two data sets are the same where their fingerprints are, a checksum of all values and
labels, and where training on them gives the same checksum of the divided rows.
"""

import argparse
import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

TABLE = Path(__file__).resolve().parents[2] / "models/data/breast-cancer/breast_cancer.csv"


class Relumine:
    def __init__(self, binary, folder):
        self.binary, self.folder = str(Path(binary).resolve()), folder
        self.failures = 0

    def call(self, *arguments):
        environment = {**os.environ, "RELUMINE_OFFLINE": "1"}
        return subprocess.run([self.binary, *map(str, arguments)], capture_output=True, text=True, cwd=self.folder, env=environment)

    def verify(self, path):
        """What is in the data at `path`: rows, classes, fingerprint."""
        ended = self.call("data", "verify", path, "--json")
        if ended.returncode != 0:
            self.failures += 1
            print(f"  FAILED: {path}: {ended.stderr.strip()}")
            return {}
        report = json.loads(ended.stdout)[0]
        return {key: report[key] for key in ["train_rows", "test_rows", "rows_of_class", "fingerprint"]}

    def trained_fingerprint(self, path):
        """The checksum of the divided rows that one epoch of a small network records."""
        ended = self.call("train", "--data", path, "--epochs", 1, "--json", "--quiet", "--set", "model.hidden=[4]", "--out", f"runs/{Path(path).name}")
        if ended.returncode != 0:
            self.failures += 1
            print(f"  FAILED: {path}: {ended.stderr.strip()}")
            return None
        return json.loads(ended.stdout)["data_fingerprint"]

    def same(self, what, expected, found):
        verdict = "same" if expected == found and expected else "DIFFERENT"
        self.failures += verdict != "same"
        print(f"  {what}: {verdict}" + ("" if verdict == "same" else f"\n    expected {expected}\n    found    {found}"))


def tables(folder):
    """The table in every format, by name."""
    frame = pd.read_csv(TABLE)
    x, y = frame.iloc[:, :-1].to_numpy(np.float64), frame.iloc[:, -1].to_numpy()
    frame.to_csv(folder / "t.tsv", sep="\t", index=False)
    frame.to_csv(folder / "t.csv.gz", index=False)
    for compression in ["none", "snappy", "gzip", "zstd", "lz4"]:
        frame.to_parquet(folder / f"t.{compression}.parquet", compression=compression, index=False, row_group_size=100)
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), folder / "t.v2.parquet", version="2.6", data_page_version="2.0", use_dictionary=False)
    # An index that is no plain count becomes a column, `__index_level_0__`, which is no feature.
    single = frame.astype({name: "float32" for name in frame.columns[:-1]}).set_index(pd.Index(np.arange(len(frame))[::-1]))
    single.to_parquet(folder / "t.f32.parquet")
    np.savez(folder / "t.npz", x=x, y=y)
    np.savez_compressed(folder / "t.fortran.npz", X=np.asfortranarray(x), y=y.astype(np.uint8)[:, None])
    np.savez(folder / "t.big.npz", x=x.astype(">f8"), y=y.astype(">i4"))
    (folder / "arrays").mkdir()
    np.save(folder / "arrays/X.npy", x.astype(np.float32))
    np.save(folder / "arrays/y.npy", y.astype(bool).astype(np.int16))
    (folder / "parts").mkdir()
    frame.iloc[:300].to_parquet(folder / "parts/train-00000-of-00002.parquet", index=False)
    frame.iloc[300:].to_parquet(folder / "parts/train-00001-of-00002.parquet", index=False)
    return sorted([*folder.glob("t.*"), folder / "arrays", folder / "arrays/X.npy", folder / "parts"])


def check_tables(relumine, folder):
    print(f"table of {TABLE.name}, fingerprints of each format beside the CSV file's:")
    expected, trained = relumine.verify(TABLE), relumine.trained_fingerprint(TABLE)
    for path in tables(folder):
        relumine.same(path.relative_to(folder), expected, relumine.verify(path))
    for name in ["t.snappy.parquet", "t.npz", "t.tsv"]:
        relumine.same(f"{name}, trained on", trained, relumine.trained_fingerprint(folder / name))


def idx(path):
    data = gzip.open(path).read() if path.suffix == ".gz" else path.read_bytes()
    dimensions = data[3]
    sizes = np.frombuffer(data, ">u4", dimensions, 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * dimensions).reshape(sizes)


def read_mnist(folder):
    stems = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]
    return [idx(next(path for path in [folder / stem, folder / f"{stem}.gz"] if path.exists())) for stem in stems]


def png(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return {"bytes": file.getvalue(), "path": None}


def write_hub(path, images, labels):
    """A split as the hub has it: a struct of PNG bytes and path, a label, and the library's note about both."""
    note = {"image": {"_type": "Image"}, "label": {"names": [str(digit) for digit in range(10)], "_type": "ClassLabel"}}
    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    table = pa.table({"image": pa.array([png(image) for image in images], kind), "label": pa.array(labels.astype(np.int64))})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": note}})}), path, row_group_size=5000)


def check_mnist(relumine, folder, mnist):
    print("MNIST, fingerprints of each format beside the IDX files':")
    x_train, y_train, x_test, y_test = read_mnist(mnist)
    arrays = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
    np.savez(folder / "mnist.npz", **arrays)
    np.savez_compressed(folder / "mnist.small.npz", **{name: np.asfortranarray(array) for name, array in arrays.items()})
    (folder / "mnist.arrays").mkdir()
    for name, array in arrays.items():
        np.save(folder / f"mnist.arrays/{name}.npy", array)
    write_hub(folder / "mnist.hub/mnist/train/0000.parquet", x_train, y_train)
    write_hub(folder / "mnist.hub/mnist/test/0000.parquet", x_test, y_test)
    expected = relumine.verify(mnist.resolve())
    for name in ["mnist.npz", "mnist.small.npz", "mnist.arrays", "mnist.hub/mnist"]:
        relumine.same(name, expected, relumine.verify(folder / name))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--relumine", required=True, help="the relumine binary")
    parser.add_argument("--mnist", type=Path, help="a folder with MNIST's four IDX files; without it MNIST is left out")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    try:
        relumine = Relumine(arguments.relumine, folder)
        check_tables(relumine, folder)
        if arguments.mnist:
            check_mnist(relumine, folder, arguments.mnist)
        else:
            print("SKIPPED: MNIST, as --mnist names no folder")
    finally:
        shutil.rmtree(folder)
    print("all formats hold the same data" if relumine.failures == 0 else f"{relumine.failures} DIFFERENCES")
    sys.exit(relumine.failures > 0)


if __name__ == "__main__":
    main()
