"""Results kept case by case, so that a benchmark can stop and go on, and their tables."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from skerry.discover.rarity import prevalence_interval

Row = dict[str, Any]

BEGIN = "<!-- made by the script: do not edit -->"
END = "<!-- end of what the script made -->"


class Results:
    """The rows of a benchmark in a work folder, one a case, in files of JSON lines.

    Processes that share the work each write a file of their own, named after their part, and
    read those of all.
    """

    def __init__(self, work: Path, name: str, part: tuple[int, int] = (0, 1)) -> None:
        work.mkdir(parents=True, exist_ok=True)
        self.work, self.name = work, name
        self.file = work / f"{name}-{part[0]}-of-{part[1]}.jsonl"

    def rows(self) -> dict[str, Row]:
        """Every row there is, by its case."""
        found: dict[str, Row] = {}
        for path in sorted(self.work.glob(f"{self.name}-*-of-*.jsonl")):
            for number, line in enumerate(path.read_text().splitlines(), start=1):
                try:
                    row = json.loads(line)
                except json.JSONDecodeError as error:
                    raise SystemExit(
                        f"{path}, line {number} is cut short; expected a row as JSON: delete the "
                        "line and the case is done again"
                    ) from error
                found[key(row["case"])] = row
        return found

    def add(self, case: Row, values: Row) -> None:
        with self.file.open("a") as file:
            file.write(json.dumps({"case": case, **values}) + "\n")


def key(case: Row) -> str:
    """A case as one string, whatever the order of its entries."""
    return json.dumps(case, sort_keys=True)


def part(text: str) -> tuple[int, int]:
    """``i/n`` of the command line: the i-th of n processes, from 0."""
    number, _, total = text.partition("/")
    if not (number.isdigit() and total.isdigit() and int(number) < int(total)):
        raise argparse.ArgumentTypeError(f"{text!r}; expected i/n, i from 0 to n - 1, as 0/2")
    return int(number), int(total)


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def share(k: int, n: int) -> str:
    """``k`` of ``n`` in per cent with the exact 95% interval (Clopper & Pearson 1934)."""
    if n == 0:
        return "none"
    low, high = prevalence_interval(np.array([k]), n)
    return f"{k}/{n} = {k / n:.1%} ({low[0]:.1%}-{high[0]:.1%})"


def publish(text: str, title: str, output: Path | None) -> None:
    """Print, and write to ``output`` between two markers; what stands outside them stays."""
    print(text)
    if output is None:
        return
    made = f"{BEGIN}\n\n{text}\n\n{END}"
    if not output.exists():
        script = f"`benchmarks/{Path(sys.argv[0]).name}`"
        output.write_text(f"# {title}\n\n{script}\n\n{made}\n")
        return
    before, begun, rest = output.read_text().partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not (begun and ended):
        raise SystemExit(f"{output} has no markers {BEGIN} and {END}: add them, or move the file")
    output.write_text(before + made + after)
