"""List the training galaxies that also lie in a folder used for scoring, by their pixels.

Ids are not comparable between the folders and the same galaxy may be cut at another scale, so
every scored image is compared at a ladder of crops with every training image: first as a
48 px thumbnail, where the detail left after the smooth light is taken out must agree a little
and the whole central crop nearly exactly, then the detail at 160 px, where two different
galaxies no longer look alike.

    python encoders/find_overlap.py TRAIN_FOLDER SCORED_FOLDER... -o overlap.csv
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

Image = npt.NDArray[np.float32]

CROPS = np.geomspace(0.30, 1.0, 37)
"""Shares of a scored image's width that the training frame may cover."""
COARSE, FINE = 48, 160
COARSE_MIN, DETAIL_MIN, FINE_MIN = 0.97, 0.82, 0.7
"""Least correlations: of the whole thumbnail, of its detail, of the detail at full size."""
CENTER = 0.75
"""Share of the thumbnail compared, so that what differs at the edge does not count."""


def training_images(folder: Path) -> Iterator[tuple[str, Image]]:
    for path in sorted(folder.glob("*.parquet")):
        for batch in pq.ParquetFile(path).iter_batches(512, columns=["id_str", "image"]):
            for row in batch.to_pylist():
                raw = np.frombuffer(row["image"]["bytes"], np.uint8)
                yield row["id_str"], cv2.imdecode(raw, cv2.IMREAD_GRAYSCALE).astype(np.float32)


def crop(image: Image, share: float, size: int) -> Image:
    """The central ``share`` of a square image, resized to ``size`` pixels."""
    scale = size / (share * image.shape[0])
    shift = (size - 1) / 2 - scale * (image.shape[0] - 1) / 2
    blurred = cv2.GaussianBlur(image, (0, 0), 0.5 / scale) if scale < 1 else image
    matrix = np.array([[scale, 0, shift], [0, scale, shift]])
    return cv2.warpAffine(
        blurred, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )


def unit(image: Image) -> Image:
    """Central part, flattened to zero mean and unit length."""
    margin = round(image.shape[0] * (1 - CENTER) / 2)
    flat = image[margin:-margin, margin:-margin].ravel()
    flat = flat - flat.mean()
    return (flat / max(float(np.linalg.norm(flat)), 1e-6)).astype(np.float32)


def detail(image: Image, inner: float = 1.0, outer: float = 5.0) -> Image:
    """What is left without the smooth light, clipped so that the nucleus does not dominate."""
    left = cv2.GaussianBlur(image, (0, 0), inner) - cv2.GaussianBlur(image, (0, 0), outer)
    limit = 3 * 1.4826 * float(np.median(np.abs(left))) + 1e-3
    return unit(np.clip(left, -limit, limit))


def coarse_detail(image: Image) -> Image:
    return detail(image, 0.5, 3.0)


def best_fine(scored: Image, share: float, train: Image) -> tuple[float, float]:
    """Best correlation of detail over small changes of scale; (correlation, share)."""
    target = detail(train)
    tries = [
        (float(detail(crop(scored, s, FINE)) @ target), s)
        for s in share * np.linspace(0.96, 1.04, 9)
        if s <= 1.02
    ]
    return max(tries)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("train", type=Path)
    parser.add_argument("scored", type=Path, nargs="+")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--all", action="store_true", help="write look-alikes too")
    args = parser.parse_args()
    cv2.setNumThreads(0)

    ids, coarse, fine = [], [], []
    for id_str, image in training_images(args.train):
        ids.append(id_str)
        coarse.append(crop(image, 1.0, COARSE))
        fine.append(image.astype(np.uint8))
    details = np.stack([coarse_detail(c) for c in coarse])
    print(f"{len(ids)} training images")

    rows = []
    for folder in args.scored:
        for path in sorted((folder / "images").iterdir()):
            scored = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE).astype(np.float32)
            ladder = [crop(scored, s, COARSE) for s in CROPS]
            agreement = np.stack([coarse_detail(c) for c in ladder]) @ details.T
            best = agreement.argmax(axis=0)
            for j in np.flatnonzero(agreement.max(axis=0) > DETAIL_MIN):
                whole = max(
                    float(unit(c) @ unit(coarse[j]))
                    for c in ladder[max(best[j] - 1, 0) : best[j] + 2]
                )
                if whole < COARSE_MIN:
                    continue
                value, share = best_fine(scored, float(CROPS[best[j]]), fine[j].astype(np.float32))
                if value > FINE_MIN or args.all:
                    rows.append(
                        (
                            ids[j],
                            folder.name,
                            path.name,
                            f"{whole:.4f}",
                            f"{value:.4f}",
                            f"{share:.4f}",
                        )
                    )
        print(f"{folder.name}: {len(rows)} pairs so far", flush=True)
    with args.output.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id_str", "scored_folder", "scored_image", "coarse", "fine", "share"])
        writer.writerows(sorted(rows))


if __name__ == "__main__":
    main()
