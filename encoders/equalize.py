"""Add measures of the image to encoders of the package and equalize all: the last step of shipping.

    python encoders/equalize.py GZ2_TRAIN [NAME…]

Without names it is the default encoder, which gains by it (``benchmarks/equalizing.py``).

The scales of the measures and the principal components are those of every fourth row of each
Parquet file of the training galaxies, in the files' order, without the galaxies that a scored
folder also holds (``overlap.csv`` and the data's own ``exclude_ids.txt``). A file that went
through this already is taken back to what it was first, so that the same images give the same
bytes again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch

from skerry.errors import InputError
from skerry.represent.encoder import DEFAULT, Encoder, from_bytes
from skerry.represent.equalize import POWER, Part, equalized, joined, unequalized
from skerry.represent.measured import (
    CIRCLES,
    ELLIPSES,
    Scales,
    with_measures,
    without_measures,
)
from skerry.represent.training.ids import read_ids
from skerry.store import write_bytes
from skerry.survey.prepare import prepare
from skerry.types import ByteArray, FloatArray

HERE = Path(__file__).parent
WEIGHTS = HERE.parent / "src" / "skerry" / "represent" / "weights"
EVERY = 4
"""Of so many rows of each file one is used."""


def chosen(folder: Path) -> list[tuple[str, bytes]]:
    """The galaxies to equalize by: ids and the bytes of their images.

    Raises
    ------
    InputError
        The folder holds no Parquet file, or no list of galaxies to leave out.
    """
    found = []
    dropped = read_ids([HERE / "overlap.csv", folder / "exclude_ids.txt"])
    for path in sorted(folder.glob("*.parquet")):
        rows = pq.read_table(path, columns=["id_str", "image"])
        for row in rows.take(np.arange(0, len(rows), EVERY)).to_pylist():
            if str(row["id_str"]) not in dropped:
                found.append((str(row["id_str"]), row["image"]["bytes"]))
    if not found:
        raise InputError(f"{folder} holds no galaxies; expected Parquet files of gz2_train")
    return found


def encoded(encoder: Encoder, pixels: ByteArray) -> FloatArray:
    """Vectors (n, dimensions) of prepared images."""
    starts = range(0, len(pixels), encoder.batch)
    return np.concatenate([encoder.encode(pixels[s : s + encoder.batch])[0] for s in starts])


def equalize_file(path: Path, galaxies: list[tuple[str, bytes]]) -> str:
    """Measures and equalizing by some galaxies, in an encoder's file; says what was done."""
    plain = without_measures(unequalized(path.read_bytes()))
    network = from_bytes(plain, path.stem)
    pixels = np.stack([prepare(raw, name, network.contract).pixels for name, raw in galaxies])
    measuring = with_measures(plain, scales_of(pixels))
    own = Part(network.dimensions, 1 - CIRCLES.share - ELLIPSES.share, POWER)
    vectors = encoded(from_bytes(measuring, path.stem), pixels)
    by = joined(vectors, (own, CIRCLES, ELLIPSES), dimensions=network.dimensions)
    data = equalized(measuring, by)
    write_bytes(path, data)
    made = from_bytes(data, path.stem)
    return (
        f"{path.name}: {len(data) / 1e6:.2f} MB, power {by.power}, structure {by.structure}, "
        f"{by.images} images, SHA-256 {made.sha256}"
    )


def scales_of(pixels: ByteArray) -> Scales:
    """How the measures of these images, uint8 (n, side, side, bands), are standardized."""
    return Scales.fit(torch.from_numpy(pixels).permute(0, 3, 1, 2))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder of the training galaxies")
    parser.add_argument("names", nargs="*", help="encoders; the default without")
    args = parser.parse_args()
    galaxies = chosen(args.data)
    for name in args.names or [DEFAULT]:
        print(equalize_file(WEIGHTS / f"{name}.onnx", galaxies))


if __name__ == "__main__":
    main()
