"""What the comparison of columns says, in sentences and figures."""

from __future__ import annotations

from collections.abc import Sequence

from skerry.answer import Plot, Series, array

SHOWN = 15
"""Columns in a class's figure, the largest differences first."""

SEA, MATCHED = "sea", "matched controls"
"""What a class is compared with."""


def sentence(
    rows: Sequence[dict[str, object]], n_classes: int, matched: Sequence[str], alpha: float
) -> str:
    """All classes: how many differ from the sea, or from controls ``matched`` on columns."""
    against = MATCHED if matched else SEA
    held = [row for row in rows if row["against"] == against]
    differing = [row for row in held if row["differs"]]
    classes = {row["class_id"] for row in differing}
    controls = f"controls matched on {', '.join(matched)}"
    return (
        f"{len(classes)} of {n_classes} classes differ from "
        f"{controls if matched else 'the sea'} in at least one column: "
        f"{len(differing)} of {len(held)} comparisons at a false discovery rate of "
        f"{alpha:.0%}."
    )


def sentence_of_class(rows: Sequence[dict[str, object]], class_id: str) -> str:
    """One class: the columns in which it differs most."""
    own = [row for row in rows if row["class_id"] == class_id]
    differing = [row for row in own if row["differs"]]
    if not own:
        return "Too few members have a value in any column."
    if not differing:
        return f"No difference in any of {len({r['column'] for r in own})} columns."
    parts = []
    for against in (MATCHED, SEA):
        first = [row for row in differing if row["against"] == against]
        first.sort(key=lambda row: -abs(_number(row["effect"])))
        named = ", ".join(
            f"{row['column']} {'higher' if _number(row['effect']) > 0 else 'lower'} "
            f"(median {_number(row['median_members']):.3g}, not "
            f"{_number(row['median_others']):.3g})"
            for row in first[:3]
        )
        if named:
            parts.append(f"Against {'the ' if against == SEA else ''}{against}: {named}.")
    return " ".join(parts)


def _number(value: object) -> float:
    assert isinstance(value, float)
    return value


def plot_of_class(rows: Sequence[dict[str, object]], class_id: str) -> Plot:
    """How far one class differs in each column."""
    own = [row for row in rows if row["class_id"] == class_id]
    largest: dict[str, float] = {}
    for row in own:
        name = str(row["column"])
        largest[name] = max(largest.get(name, 0.0), abs(_number(row["effect"])))
    shown = sorted(largest, key=lambda name: (-largest[name], name))[:SHOWN][::-1]
    drawn = []
    for against, shift in ((SEA, 0.12), (MATCHED, -0.12)):
        held = {str(r["column"]): r for r in own if r["against"] == against}
        places = [i for i, name in enumerate(shown) if name in held]
        if places:
            picked = [held[shown[i]] for i in places]
            drawn.append(
                Series(
                    "intervals",
                    array([row["effect"] for row in picked]),
                    array(places) + shift,
                    f"against {against}",
                    array([row["effect_low"] for row in picked]),
                    array([row["effect_high"] for row in picked]),
                    across=True,
                )
            )
    return Plot(
        f"How far the members of {class_id} lie above (right) or below (left) others in each "
        "column: Cliff's delta with its 95% interval, 0 for no difference, the largest at the top.",
        "effect (Cliff's delta)",
        "",
        tuple(drawn),
        y_ticks=tuple(shown),
        at_x=(0.0,),
    )
