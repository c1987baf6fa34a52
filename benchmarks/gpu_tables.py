"""The tables of what gpu_neighbors.py and gpu_encoding.py measured, from their rows.

Each script has ``--table FILE.md``, which makes its table from the rows in ``--out`` and measures
nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tables import publish, table

Row = dict[str, Any]


def rows_of(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def write_neighbors(rows: Path, output: Path) -> None:
    publish(neighbors(rows_of(rows)), "Exact nearest neighbors on a GPU", output)


def write_encoding(rows: Path, output: Path) -> None:
    publish(encoding(rows_of(rows)), "Encoding on a GPU", output)


# ---- neighbors ----------------------------------------------------------------------------------


def neighbors(rows: Sequence[Row]) -> str:
    machine = next(row for row in rows if row["what"] == "machine")
    right = [row for row in rows if row["what"].endswith("right?")]
    searched = [row for row in rows if "search_s" in row and "whole_s" in row]
    lines = [_search(row, verified) for row, verified in zip(searched, right, strict=True)]
    heads = (
        "vectors, 128 columns", "k", "made ready, s", "search, s", "in all, s",
        "rows compared again in float32", "rows held against float64, right",
    )  # fmt: skip
    return "\n\n".join(
        [
            f"{machine['gpu']}, torch {machine['torch']}. All vectors are queries and all are "
            "compared; the time is from the host's memory to the results there.",
            table(heads, lines),
            *_largest(rows),
            *_plain(rows),
            "Not measured: more than one GPU, other numbers of columns, more than 16 neighbors of "
            "10,000,000, and what `skerry run` adds: ordering by float64 differences and writing "
            "the graph.",
            *_failed(rows, "what"),
        ]
    )


def _search(row: Row, right: Row) -> Sequence[str]:
    n, k = row["what"].removeprefix("all of ").split(",")[:2]
    ready = row.get("ready_s", row["whole_s"] - row["search_s"])
    extrapolated = " (extrapolated)" if row.get("extrapolated") else ""
    return (
        f"{int(n):,}",
        k.strip().removeprefix("k ").split(":")[0],
        f"{ready:.2f}",
        f"{row['search_s']:.2f}",
        f"{row['whole_s']:.2f}{extrapolated}",
        f"{100 * row['recomputed_share']:.2g}%",
        f"{right['verified']}, {right['same_indices']}",
    )


def _largest(rows: Sequence[Row]) -> list[str]:
    found = [row for row in rows if "tflops" in row and "rows_per_s" in row]
    return [
        f"{row['rows_per_s']:,} rows a second at {int(row['what'].split(',')[0]):,} vectors, "
        f"{row['tflops']:.0f} TFLOP/s in float16, {row['peak_gb']:g} GB of the card's memory."
        for row in found
    ]


def _plain(rows: Sequence[Row]) -> list[str]:
    return [
        f"Plain torch in float32 at {int(row['what'].split()[3].strip(',')):,} vectors, "
        f"extrapolated from a part of the rows: {row['plain_s']:g} s, {row['ratio']:g} times as "
        "long."
        for row in rows
        if "plain_s" in row
    ]


# ---- encoding -----------------------------------------------------------------------------------


def encoding(rows: Sequence[Row]) -> str:
    by_name = {row["measured"]: row for row in rows}
    images, device = by_name["images"], by_name["device"]
    against = [row for row in rows if "least_cosine" in row]
    rates = [row for row in rows if "rate" in row]
    ends = {row["measured"].split(":")[0] for row in rows if "JPEG to vectors" in row["measured"]}
    missing = [f"{size} px" for size in (64, 224) if not any(f"{size} px" in e for e in ends)]
    apart = [] if any(r["measured"] == "decode" for r in rows) else ["decoding by itself"]
    apart += [f"from JPEG to vectors at {size}" for size in missing]
    apart += [] if any("torch.compile" in r["measured"] for r in rows) else ["torch.compile"]
    return "\n\n".join(
        [
            f"{device['card']}, torch {device['torch']}, {images['cores']} cores; "
            f"{images['distinct']} drawn JPEGs of 424 px, {images['kb']:.0f} kB each; float16.",
            table(("what", "images a second", "share of the network alone"), map(_rate, rates)),
            *[_agreement(row) for row in against],
            *([f"Not measured: {', '.join(apart)}."] if apart else []),
            *_failed(rows, "measured"),
        ]
    )


def _rate(row: Row) -> Sequence[str]:
    name = row["measured"]
    if "px" not in name and name.startswith("eager"):
        name = f"EfficientNet-B0 224 px, random weights, the network alone: {name}"
        name += f", {row['precision']}, batches of {row['batch']}"
    elif name == "decode":
        way = "threads" if "threads" in row else "processes"
        name = f"decoding to {row['size']} px, {row[way]} {way}"
    elif "batch" in row:
        name += f", batches of {row['batch']}"
    return name, f"{row['rate']:,.0f}", f"{row['share']:.0%}" if "share" in row else ""


def _agreement(row: Row) -> str:
    name, _, _ = row["measured"].partition(":")
    alone = row["alike_alone"] and row["alike_in_another_order"]
    same = "have" if alone else "have NOT"
    return (
        f"{name}, {row['images']} images: vectors differ from ONNX Runtime's by "
        f"{row['largest']:.1e} of the largest value at most, {row['median']:.1e} in the median; "
        f"least cosine {row['least_cosine']:.6f}. Images encoded alone or in another order {same} "
        "the same vectors."
    )


def _failed(rows: Sequence[Row], name: str) -> list[str]:
    return [f"Failed: `{row[name]}`: {row['failed']}" for row in rows if "failed" in row]
