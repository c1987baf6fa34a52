"""A run at a glance: its headline and its classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from skerry.publish.rendering import rendered
from skerry.publish.words import count, headline
from skerry.store import read_table
from skerry.store.nouns import read_embedding_ids

LISTED = 20
"""Classes listed; ``run.classes`` has all."""


def overview(run: Path) -> str:
    """The run as HTML: how many classes of each verdict, and the first of those kept."""
    rows = read_table(run / "products" / "classes.parquet").to_pylist()
    return rendered("view_run.html.j2", _context(run, rows))


def _context(run: Path, rows: list[dict[str, Any]]) -> dict[str, Any]:
    searched = len(read_embedding_ids(run / "embedding" / "embedding.parquet"))
    kept = [row for row in rows if row["verdict"] != "rejected"]
    return {
        "name": run.resolve().name,
        "headline": headline([row["verdict"] for row in rows], searched),
        "rows": kept[:LISTED],
        "more": len(kept) - len(kept[:LISTED]),
        "rejected": len(rows) - len(kept),
        "count": count,
    }
