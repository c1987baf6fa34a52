"""The report's sentences and small tables, computed from the findings."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, fields
from typing import Any

from skerry.config import PRESETS
from skerry.publish.findings import Findings

SPARSE = 0.95
"""Share of galaxies that usually belong to no class, at least."""

_NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")


@dataclass(frozen=True)
class Setting:
    """A setting of the run, whether its paper leaves it open, and whether the run changed it."""

    key: str
    value: str
    assumed: bool
    preset_value: str | None


def count(n: int, noun: str, plural: str = "") -> str:
    """``n`` with thousands separated, and its noun."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def percent(share: float) -> str:
    """A share as a percentage of two or three digits, never rounded to 0% or 100%."""
    value = 100 * share
    if value in (0, 100):
        return f"{value:.0f}%"
    if value > 99:
        return f"{min(value, 99.99):.2f}%"
    if value >= 9.95:
        return f"{value:.1f}%"
    return f"{value:#.2g}%" if value >= 0.001 else "<0.001%"


def headline(findings: Findings) -> str:
    """How many classes, among how many sources."""
    n = len(findings.classes)
    number = _NUMBERS[n] if n < len(_NUMBERS) else f"{n:,}"
    noun = "candidate class" if n == 1 else "candidate classes"
    return f"{number} {noun} among {count(findings.n_searched, 'source')}"


def outside(findings: Findings) -> str:
    """How many sources are in no class, and that it is normal."""
    total, inside = findings.n_searched, findings.n_in_classes
    if not total:
        return "No source could be searched."
    if not inside:
        return (
            f"None of the {count(total, 'source')} is in a class. Most galaxies belong to no clear "
            "group, so a small survey, or one of a single kind, may well hold none."
        )
    share = (total - inside) / total
    text = (
        f"{count(inside, 'source')} ({percent(inside / total)}) {_be(inside)} in a class. "
        f"The other {total - inside:,} ({percent(share)}) {_be(total - inside)} in none"
    )
    if share >= SPARSE:
        return text + (
            ", and that is normal: most galaxies belong to no clear group, and 95% or more "
            "outside every class is to be expected. It is no sign of a failed search."
        )
    return text + (
        ". Most galaxies belong to no clear group, and 95% or more outside every class is to be "
        "expected; here it is less, so look for classes that are merely common kinds of galaxy, "
        "artifacts or an input that was selected beforehand."
    )


def _be(n: int) -> str:
    return "is" if n == 1 else "are"


def standing(findings: Findings) -> str:
    """What the verdicts allow to be claimed."""
    verdicts = Counter[str](c.verdict for c in findings.classes)
    if not findings.classes:
        return (
            "Nothing was found that is small, tight and apart from the rest. That is a result "
            "for these settings, and no proof that the survey holds no rare class."
        )
    if verdicts["unjudged"] == len(findings.classes):
        return (
            "Every class here is unjudged. No null has been run, so it is not known how many "
            "such classes a search of featureless data would give, and none may be cited as "
            "real yet. UMAP can invent clusters where there are none. Treat each class as a "
            "suggestion of what to look at."
        )
    known = ("confirmed", "tentative", "rejected", "unjudged")
    listed = ", ".join(f"{verdicts[v]} {v}" for v in known if verdicts[v])
    return (
        f"By verdict: {listed}. Only a confirmed class passed every check; an unjudged one was "
        "not held against a null and may not be cited as real."
    )


def failures_by_reason(findings: Findings) -> list[tuple[str, int]]:
    """Reasons and how often each, the most frequent first."""
    counted = Counter(f.reason for f in findings.failures)
    return sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))


def settings(findings: Findings) -> list[Setting]:
    """Every setting of the run, in the order of ``config.toml``."""
    preset = PRESETS.get(findings.config.preset)
    rows = [Setting("preset", findings.config.preset, False, None)]
    for section in fields(findings.config):
        if section.name == "preset":
            continue
        default: dict[str, Any] = asdict(getattr(preset, section.name)) if preset else {}
        for name, value in asdict(getattr(findings.config, section.name)).items():
            key = f"{section.name}.{name}"
            changed = name in default and default[name] != value
            before = _shown(default[name]) if changed else None
            rows.append(Setting(key, _shown(value), key in findings.assumed, before))
    return rows


def _shown(value: object) -> str:
    return "(empty)" if value == "" else str(value)
