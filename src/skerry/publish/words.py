"""The report's sentences and small tables, computed from the findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from skerry.config import PRESETS
from skerry.discover.outside import REASONS
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


def headline(verdicts: Sequence[str], n_searched: int) -> str:
    """How many classes of each verdict, among how many sources; judged all together or not."""
    counted, among = Counter(verdicts), count(n_searched, "source")
    if set(counted) <= {"unjudged"}:
        n = counted["unjudged"]
        return f"{_number(n)} candidate {'class' if n == 1 else 'classes'} among {among}"
    n, rejected = counted["confirmed"], counted["rejected"]
    noun = "candidate" if rejected == 1 else "candidates"
    numbers = {"tentative": counted["tentative"], f"{noun} rejected": rejected}
    others = [f"{_number(k).lower()} {what}" for what, k in numbers.items() if k]
    first = f"{_number(n)} confirmed {'class' if n == 1 else 'classes'} among {among}"
    return f"{first}; {', '.join(others)}" if others else first


def _number(n: int) -> str:
    return _NUMBERS[n] if n < len(_NUMBERS) else f"{n:,}"


def outside(findings: Findings) -> str:
    """How many sources are in no class, and that it is normal."""
    total, inside = findings.n_searched, findings.n_in_classes
    if not total:
        return "No source could be searched."
    kind = "a confirmed or tentative class" if findings.n_nulls else "a class"
    if not inside:
        return (
            f"None of the {count(total, 'source')} is in {kind}. Most galaxies belong to no clear "
            "group, so a small survey, or one of a single kind, may well hold none."
        )
    share = (total - inside) / total
    text = (
        f"{count(inside, 'source')} ({percent(inside / total)}) {_be(inside)} in {kind}. "
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


def why_outside(findings: Findings) -> list[tuple[str, int, float, str]]:
    """Reasons why sources are in no class, the most frequent first.

    Each with how many it holds for, their share of all in no class, and what it means; empty
    where it was not looked into.
    """
    if findings.unclustered is None:
        return []
    counted = Counter(findings.unclustered["reason"].to_pylist())
    total = sum(counted.values())
    ordered = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    return [(reason, n, n / total, REASONS.get(reason, "")) for reason, n in ordered]


def _in_parts(findings: Findings) -> str:
    times = findings.null_times
    if times <= 1:
        return ""
    return f"; each of {findings.config.nulls.sources:,} sources, so that groups count {times:.3g}x"


def search(findings: Findings) -> dict[str, str]:
    """How it was searched, for the provenance."""
    config, nulls = findings.config, findings.null_containment
    asked = config.replication
    repeated = asked.subsamples or asked.seeds
    return {
        "route": config.clusters.route,
        "featureless data": (
            f"{count(findings.n_nulls, 'search', 'searches')} of each kind: {', '.join(nulls)}; "
            f"seed {config.nulls.seed}{_in_parts(findings)}"
            if nulls
            else "none searched"
        ),
        "repeated searches": (
            f"on {count(asked.subsamples, 'random subset')} of {percent(asked.share)} of the "
            f"sources, and on all with other settings; seed {asked.seed}"
            if repeated
            else "none"
        ),
        "footprint": "not known" if findings.area is None else f"{findings.area:,.4g} deg²",
    }


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
