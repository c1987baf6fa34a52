"""The catalogs: classes, members and checks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from skerry.publish.columns import schema
from skerry.publish.findings import Findings
from skerry.publish.formats import ENCODERS
from skerry.store import write_bytes, write_table

PRODUCTS = ("classes", "members", "checks")
SUFFIXES = ("parquet", *ENCODERS)
"""Of the files of each product."""

_Doubles = npt.NDArray[np.float64]


def prevalence_interval(size: npt.ArrayLike, n: int) -> tuple[_Doubles, _Doubles]:
    """95% Clopper-Pearson interval of the share ``size / n``.

    Exact binomial, so at least 95% wide for any size; it holds if the n sources are a random
    draw of the sky's, and says nothing of members that the search missed.
    """
    from scipy.special import betaincinv

    k = np.asarray(size, dtype=np.float64)
    low, high = np.zeros_like(k), np.ones_like(k)
    some, not_all = k > 0, k < n
    low[some] = betaincinv(k[some], n - k[some] + 1, 0.025)
    high[not_all] = betaincinv(k[not_all] + 1, n - k[not_all], 0.975)
    return low, high


def classes_table(findings: Findings) -> pa.Table:
    """One row a class, by rank: ``types.CLASSES_SCHEMA`` with column metadata.

    ``prevalence`` is among the sources that have a representation. ``p_value``, ``q_value``
    and ``replication`` are null where they were not measured.
    """
    ranked, n = findings.ranked, max(findings.n_searched, 1)
    sizes = np.array([c.size for c in ranked], dtype=np.int64)
    low, high = prevalence_interval(sizes, n)
    columns = {
        "class_id": [c.class_id for c in ranked],
        "rank": [c.rank for c in ranked],
        "verdict": [c.verdict for c in ranked],
        "p_value": [c.p_value for c in ranked],
        "q_value": [c.q_value for c in ranked],
        "size": sizes,
        "prevalence": sizes / n,
        "prevalence_low": low,
        "prevalence_high": high,
        "persistence": [c.persistence for c in ranked],
        "replication": [None for _ in ranked],
        "route": [c.route for c in ranked],
        "central_id": [c.members[0] if c.members else "" for c in ranked],
        "exemplars": [json.dumps(c.exemplars, ensure_ascii=False) for c in ranked],
        "distinctive": [findings.distinctive.get(c.class_id, "") for c in ranked],
        "n_checks": [len(c.checks) for c in ranked],
        "n_checks_passed": [sum(check.passed for check in c.checks) for c in ranked],
    }
    return pa.table(columns, schema=schema("classes"))


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
        "exemplar": [m in c.exemplars for c in ranked for m in c.members],
        "replication": pa.nulls(len(ids), pa.float64()),
    }
    return pa.table(columns, schema=schema("members"))


def positions(findings: Findings, ids: pa.Array) -> tuple[pa.Array, pa.Array]:
    """``ra`` and ``dec`` (deg) of some sources, float64, null where unknown."""
    sources = findings.sources
    rows = pc.index_in(ids, value_set=sources["id_str"].combine_chunks().cast(pa.string()))

    def column(name: str) -> pa.Array:
        if name not in sources.column_names:
            return pa.nulls(len(ids), pa.float64())
        values = sources[name].combine_chunks().cast(pa.float64()).take(rows)
        return pc.if_else(pc.is_finite(values), values, pa.scalar(None, pa.float64()))

    return column("ra"), column("dec")


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


def write_products(findings: Findings, folder: Path) -> list[Path]:
    """Write each table as Parquet, FITS and VOTable; the same findings give the same bytes.

    Returns the nine files, ``classes.parquet`` first.

    Raises
    ------
    DiskError
        The folder cannot be written.
    """
    tables = {
        "classes": classes_table(findings),
        "members": members_table(findings),
        "checks": checks_table(findings),
    }
    for name, table in tables.items():
        write_table(folder / f"{name}.parquet", table)
        for suffix, encode in ENCODERS.items():
            write_bytes(folder / f"{name}.{suffix}", encode(name, table))
    return [folder / f"{name}.{suffix}" for name in PRODUCTS for suffix in SUFFIXES]
