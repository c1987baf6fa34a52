"""Scores as tables of Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from skerry.represent.score.result import WAYS, Row, Section

_TITLES: dict[Section, tuple[str, str]] = {
    "votes": (
        "Vote error",
        "Root mean squared error of cumulative vote fractions; lower is better. `encoder`: from "
        "its heads where it has them, else by ridge regression on its vectors. All other ways "
        "but the survey's own mean are ridge regressions, fitted on other galaxies; shuffled "
        "labels: on the encoder's vectors with the votes of those galaxies exchanged.",
    ),
    "enrichment": (
        "Retrieval: enrichment among 20 neighbors",
        "Share of a kind among the 20 nearest neighbors of its members, over its share among all "
        "others. The ceiling is what perfect neighbors would give; chance is 1. Shuffled labels: "
        "the mean of 20 shuffles, at most 200 queries each, with its interval over them.",
    ),
    "precision": (
        "Retrieval: mean average precision",
        "Of the ranking of all others by distance, averaged over the members of a kind.",
    ),
    "artifacts": (
        "Retrieval: artifacts",
        "Enrichment among the 20 nearest neighbors of 40 artifacts mixed in, the mean of 20 draws "
        "of them; intervals over queries and draws.",
    ),
    "probe": (
        "Few labels: area under the ROC curve",
        "Logistic regression on 10, 30 or 100 labels, half of them (but no more than half of the "
        "kind) positive; the mean of 20 draws, judged on the galaxies left; intervals over "
        "galaxies and draws. Left out: kinds of fewer than 10, and numbers of labels that would "
        "take more than half of the others.",
    ),
    "first": (
        "Invariance: found first",
        "Share of changed twins whose own original is the nearest of all originals; chance is 1 "
        "in the number of originals. Wilson intervals.",
    ),
    "top5": ("Invariance: found among the first five", "As above."),
    "dimensions": (
        "Effective dimensions",
        "Participation ratio of the variances of the principal components.",
    ),
}
_DIGITS: dict[Section, int] = {"votes": 4, "enrichment": 2, "artifacts": 2, "dimensions": 1}


def tables(rows: Sequence[Row]) -> str:
    """A titled table for each section that has rows, in Markdown."""
    return "\n".join(
        _section(section, [r for r in rows if r.section == section])
        for section in _TITLES
        if any(r.section == section for r in rows)
    )


def _section(section: Section, rows: Sequence[Row]) -> str:
    title, words = _TITLES[section]
    ways = [w for w in WAYS if any(r.way == w for r in rows)]
    bounded = any(r.ceiling is not None for r in rows)
    head = ["", "n", *(["ceiling"] if bounded else []), *ways]
    lines = [f"## {title}", "", words, "", _line(head), "|---" * len(head) + "|"]
    for subject in dict.fromkeys(r.subject for r in rows):
        found = {r.way: r for r in rows if r.subject == subject}
        any_row = next(iter(found.values()))
        ceiling = "" if any_row.ceiling is None else f"{any_row.ceiling:.2f}"
        cells = [_cell(found.get(w), _DIGITS.get(section, 3)) for w in ways]
        lines.append(_line([subject, str(any_row.n), *([ceiling] if bounded else []), *cells]))
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |"


def _cell(row: Row | None, digits: int) -> str:
    if row is None:
        return "not measured"
    value = f"{row.value:.{digits}f}"
    if row.low is None or row.high is None:
        return value
    return f"{value} ({row.low:.{digits}f} to {row.high:.{digits}f})"
