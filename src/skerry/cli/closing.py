"""What a run prints when it ends."""

from __future__ import annotations

from typing import Any

from skerry.cli.printed import print_warnings
from skerry.cli.tables import show_rows

_MOST = 20


def closing(found: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    stages = Table(title=escape(f"Run {found['run']}"), title_justify="left")
    for column in ("stage", "state", "counts"):
        stages.add_column(column)
    for name, stage in found["stages"].items():
        counts = ", ".join(
            f"{k} {v:g}" if isinstance(v, float) else f"{k} {v}"
            for k, v in stage["counts"].items()
            if not isinstance(v, dict)
        )
        state = "as it was" if name in found.get("skipped", ()) else stage["state"]
        stages.add_row(name, state, escape(counts))
    console.print(stages)
    if found["classes"]:
        _classes_table(console, found["classes"])
    print_warnings(found.get("warnings", ()))
    if found["complete"]:
        console.print(_headline(found), markup=False)
        console.print(f"Report: {found['run']}/report.html", markup=False, soft_wrap=True)


def _classes_table(console: Any, classes: list[dict[str, Any]]) -> None:
    """The classes that were not rejected, and how many were."""
    from rich.box import SIMPLE
    from rich.table import Table

    kept = [rare for rare in classes if rare["verdict"] != "rejected"]
    title = "Classes (again: share of the repeated searches that found it)"
    table = Table(title=title, title_justify="left", box=SIMPLE)
    heads = ("rank", "class", "size", "contained", "q", "again", "verdict")
    rows = [
        (
            str(rare["rank"]),
            rare["class_id"],
            str(rare["size"]),
            f"{rare['containment']:.1f}",
            _measured(rare["q_value"], ".2g"),
            _measured(rare["replication"], ".0%"),
            rare["verdict"],
        )
        for rare in kept[:_MOST]
    ]
    if kept:
        show_rows(table, heads, rows, right=("rank", "size", "contained", "q", "again"))
    if len(kept) > _MOST:
        console.print(f"and {len(kept) - _MOST} more: see the report", markup=False)
    if len(kept) < len(classes):
        console.print(f"Rejected: {len(classes) - len(kept)}, listed in the report", markup=False)


def _measured(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _headline(found: dict[str, Any]) -> str:
    from skerry.publish.words import headline

    counts = found["stages"]["classes"]["counts"]
    total = found["stages"]["representations"]["counts"]
    verdicts = [rare["verdict"] for rare in found["classes"]]
    share = counts["unclustered"] / max(1, total["represented"])
    return (
        f"{headline(verdicts, total['represented'])}; "
        f"{share:.1%} of them are in none{', which is normal' if share >= 0.95 else ''}; "
        f"{total['failed']} could not be read."
    )
