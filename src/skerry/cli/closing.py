"""What a run prints when it ends."""

from __future__ import annotations

from typing import Any


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
    for warning in found.get("warnings", ()):
        console.print(f"Warning: {warning}", markup=False)
    if found["complete"]:
        console.print(_headline(found), markup=False)
        console.print(f"Report: {found['run']}/report.html", markup=False, soft_wrap=True)


def _classes_table(console: Any, classes: list[dict[str, Any]], most: int = 20) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table(title="Candidate classes, by persistence", title_justify="left")
    for column in ("rank", "class", "size", "persistence", "verdict"):
        table.add_column(column, justify="left" if column in ("class", "verdict") else "right")
    for rare in classes[:most]:
        table.add_row(
            str(rare["rank"]),
            escape(rare["class_id"]),
            str(rare["size"]),
            f"{rare['persistence']:.2f}",
            rare["verdict"],
        )
    console.print(table)
    if len(classes) > most:
        console.print(f"and {len(classes) - most} more: see the report", markup=False)


def _headline(found: dict[str, Any]) -> str:
    counts = found["stages"]["classes"]["counts"]
    total = found["stages"]["representations"]["counts"]
    share = counts["unclustered"] / max(1, total["represented"])
    return (
        f"{counts['classes']} candidate classes among {total['represented']} sources; "
        f"{share:.1%} are in none{', which is normal' if share >= 0.95 else ''}; "
        f"{total['failed']} could not be read."
    )
