"""The catalogs: classes, members, checks and the sources in no class."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skerry.discover.rarity import prevalence_interval, surface_density
from skerry.publish.columns import schema
from skerry.publish.findings import Findings
from skerry.publish.formats import SUFFIXES, write
from skerry.types import IntArray


def classes_table(findings: Findings) -> pa.Table:
    """One row a class, by rank: ``types.CLASSES_SCHEMA`` with column metadata.

    ``prevalence`` is among the sources that have a representation. What was not measured is
    null: ``p_value`` and ``q_value`` without nulls, ``replication`` without repeated searches,
    surface densities without a footprint.
    """
    ranked, n = findings.ranked, max(findings.n_searched, 1)
    sizes = np.array([c.size for c in ranked], dtype=np.int64)
    low, high = prevalence_interval(sizes, n)
    columns = {
        "class_id": [c.class_id for c in ranked],
        "rank": [c.rank for c in ranked],
        "verdict": [c.verdict for c in ranked],
        "containment": [c.containment for c in ranked],
        "overdensity": [c.overdensity for c in ranked],
        "isolation": [c.isolation for c in ranked],
        "p_value": [c.p_value for c in ranked],
        "q_value": [c.q_value for c in ranked],
        "replication": [c.replication for c in ranked],
        "size": sizes,
        "core": [c.core for c in ranked],
        "prevalence": sizes / n,
        "prevalence_low": low,
        "prevalence_high": high,
        **_surface_density(sizes, findings.area),
        "persistence": [c.persistence for c in ranked],
        "route": [c.route for c in ranked],
        "central_id": [c.members[0] if c.members else "" for c in ranked],
        "exemplars": [json.dumps(c.exemplars, ensure_ascii=False) for c in ranked],
        "distinctive": [findings.distinctive.get(c.class_id, "") for c in ranked],
        "reasons": [" ".join(c.reasons) for c in ranked],
        "history": [c.history for c in ranked],
        "n_checks": [len(c.checks) for c in ranked],
        "n_checks_passed": [sum(check.passed for check in c.checks) for c in ranked],
    }
    return pa.table(columns, schema=schema("classes"))


def _surface_density(sizes: IntArray, area: float | None) -> dict[str, Any]:
    names = ("surface_density", "surface_density_low", "surface_density_high")
    if area is None:
        return {name: [None] * len(sizes) for name in names}
    return dict(zip(names, surface_density(sizes, area), strict=True))


def members_table(findings: Findings) -> pa.Table:
    """One row a member, by rank of its class, the most central first: ``MEMBERS_SCHEMA``.

    ``ra`` and ``dec`` are null where the input gives none.
    """
    ranked = findings.ranked
    ids = pa.array([m for c in ranked for m in c.members], pa.string())
    ra, dec = positions(findings, ids)
    columns = {
        "id_str": ids,
        "class_id": [c.class_id for c in ranked for _ in c.members],
        "ra": ra,
        "dec": dec,
        "probability": [p for c in ranked for p in c.probability],
        "order": [i for c in ranked for i in range(1, c.size + 1)],
        "core": [i < c.core for c in ranked for i in range(c.size)],
        "exemplar": [m in c.exemplars for c in ranked for m in c.members],
    }
    return pa.table(columns, schema=schema("members"))


def positions(findings: Findings, ids: pa.Array) -> tuple[pa.Array, pa.Array]:
    """``ra`` and ``dec`` (deg) of some sources, float64, null where unknown."""
    sources = findings.sources
    rows = pc.index_in(ids, value_set=sources["id_str"].combine_chunks().cast(pa.string()))

    def column(name: str) -> pa.Array:
        if name not in sources.column_names:
            return pa.nulls(len(ids), pa.float64())
        return _finite(sources[name].combine_chunks().cast(pa.float64()).take(rows))

    return column("ra"), column("dec")


def _finite(values: pa.Array) -> pa.Array:
    """Doubles with null for what is not finite."""
    return pc.if_else(pc.is_finite(values), values, pa.scalar(None, pa.float64()))


def checks_table(findings: Findings) -> pa.Table:
    """One row a check, by rank of its class, in the order made: ``CHECKS_SCHEMA``."""
    pairs = [(c.class_id, check) for c in findings.ranked for check in c.checks]
    columns = {
        "class_id": [class_id for class_id, _ in pairs],
        "check": [check.name for _, check in pairs],
        "value": [float(check.value) for _, check in pairs],
        "threshold": [float(check.threshold) for _, check in pairs],
        "passed": [bool(check.passed) for _, check in pairs],
        "sentence": [check.sentence for _, check in pairs],
    }
    return pa.table(columns, schema=schema("checks"))


def unclustered_table(findings: Findings) -> pa.Table:
    """One row a source in no class, by ``id_str``: ``UNCLUSTERED_SCHEMA``."""
    plain = schema("unclustered")
    if findings.unclustered is None:
        return plain.empty_table()
    table = findings.unclustered.select(plain.names).cast(plain).sort_by("id_str")
    # without classes there is nothing to be near to
    at = plain.get_field_index("distance_ratio")
    return table.set_column(at, plain.field(at), _finite(table["distance_ratio"]))


_MAKERS = {
    "classes": classes_table,
    "members": members_table,
    "checks": checks_table,
    "unclustered": unclustered_table,
}


def product_names(findings: Findings) -> tuple[str, ...]:
    """The products there are: ``unclustered`` only where it was looked into."""
    return tuple(n for n in _MAKERS if n != "unclustered" or findings.unclustered is not None)


def write_products(findings: Findings, folder: Path) -> list[Path]:
    """Write each product as Parquet and by each of ``ENCODERS``: the same findings, the same bytes.

    Returns the files, ``classes.parquet`` first.

    Raises
    ------
    DiskError
        The folder cannot be written.
    """
    written = []
    for name in product_names(findings):
        table = _MAKERS[name](findings)
        for suffix in SUFFIXES:
            written.append(folder / f"{name}.{suffix}")
            write(written[-1], name, table)
    return written
