"""The region of settings around the run's own in which a class is found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import pyarrow as pa

from skerry.examine.searching.sweeps import SECTIONS, Setting
from skerry.examine.sensitivity.lineages import KEPT

REGIONS_SCHEMA = pa.schema(
    [
        ("class_id", pa.string()),
        ("route", pa.string()),
        ("along", pa.string()),
        ("own", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("below", pa.string()),
        ("above", pa.string()),
        ("next_below", pa.float64()),
        ("next_above", pa.float64()),
        ("kept", pa.int64()),
        ("tried", pa.int64()),
    ]
)


@dataclass(frozen=True)
class Region:
    """Along one setting, all else as in the run, the values without a gap in which a class is
    found, the ``own`` one among them: from ``low`` to ``high``, both None where it is not found
    at the own one.

    ``below`` and ``above`` say what becomes of it at the values next to these, ``next_below`` and
    ``next_above``; "" and None at the end of the sweep. It is ``kept`` at so many of the values
    ``tried``, own one and gaps included. Of seeds, which have no order, low and high are None.
    """

    class_id: str
    route: str
    along: str
    own: float
    low: float | None
    high: float | None
    below: str
    above: str
    next_below: float | None
    next_above: float | None
    kept: int
    tried: int


def regions(
    ids: Sequence[str], tried: Sequence[Setting], fates: Sequence[Sequence[str]]
) -> list[Region]:
    """Of each class, along each setting that was varied alone; ``fates`` (classes, settings)."""
    found = []
    for i, class_id in enumerate(ids):
        for route in dict.fromkeys(setting.route for setting in tried):
            for name in SECTIONS:
                line = [
                    j
                    for j, setting in enumerate(tried)
                    if setting.route == route and set(setting.changed) <= {name}
                ]
                if len(line) > 1:
                    found.append(_region(class_id, name, [tried[j] for j in line],
                                         [fates[i][j] for j in line]))  # fmt: skip
    return found


def _region(class_id: str, name: str, line: Sequence[Setting], fates: Sequence[str]) -> Region:
    order = sorted(range(len(line)), key=lambda j: line[j].value(name))
    values = [line[j].value(name) for j in order]
    ends = [fates[j] for j in order]
    own = next(i for i, j in enumerate(order) if not line[j].changed)
    low = high = own
    while low > 0 and ends[low - 1] == KEPT:
        low -= 1
    while high + 1 < len(order) and ends[high + 1] == KEPT:
        high += 1
    inside = ends[own] == KEPT and name != "seed"
    under, over = inside and low > 0, inside and high + 1 < len(order)
    return Region(
        class_id,
        line[0].route,
        name,
        values[own],
        values[low] if inside else None,
        values[high] if inside else None,
        ends[low - 1] if under else "",
        ends[high + 1] if over else "",
        values[low - 1] if under else None,
        values[high + 1] if over else None,
        ends.count(KEPT),
        len(order),
    )


def table_of_regions(found: Sequence[Region]) -> pa.Table:
    """``REGIONS_SCHEMA``."""
    return pa.Table.from_pylist([asdict(region) for region in found], schema=REGIONS_SCHEMA)
