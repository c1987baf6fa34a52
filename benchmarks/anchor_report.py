"""The ranges, the anchored visibilities and the tables of ``anchors.py``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tables import table

from skerry.discover.separation import Separation
from skerry.simulate.sky import ARTIFACTS

VISIBILITIES = (1.0, 0.75, 0.5, 0.35, 0.25, 0.15)
RANGES = ("all", "like")
"""Real kinds that a planted one is held against: all, or galaxies by galaxies and artifacts by
artifacts."""

ARTEFACTS = "gz2_artefacts"


@dataclass(frozen=True)
class Range:
    """What the real kinds span, by an encoder: areas, and enrichments over their ceilings."""

    auc: tuple[float, float]
    share: tuple[float, float]

    def holds(self, s: Separation) -> str:
        """Where a planted kind lies: ``within``, ``above`` or ``below``; above if in either."""
        pairs = ((s.auc, self.auc), (s.enrichment / s.ceiling, self.share))
        if any(value > high for value, (_, high) in pairs):
            return "above"
        return "below" if any(value < low for value, (low, _) in pairs) else "within"


def ranges_of(real: Mapping[str, Separation]) -> dict[str, Range]:
    """By all real kinds, by ``galaxies`` and by ``artifacts``."""
    artifacts = [s for name, s in real.items() if name.endswith(ARTEFACTS)]
    galaxies = [s for name, s in real.items() if not name.endswith(ARTEFACTS)]
    return {
        "all": _range([*galaxies, *artifacts]),
        "galaxies": _range(galaxies),
        "artifacts": _range(artifacts),
    }


def _range(kinds: Sequence[Separation]) -> Range:
    return Range(
        (min(s.auc_low for s in kinds), max(s.auc_high for s in kinds)),
        (
            min(s.enrichment_low / s.ceiling for s in kinds),
            max(s.enrichment_high / s.ceiling for s in kinds),
        ),
    )


def anchored(
    kind: str, at: Sequence[Separation], real: Mapping[str, Range], by: str
) -> tuple[float, str]:
    """The anchored visibility of a kind, and where it lies."""
    like = "artifacts" if kind in ARTIFACTS else "galaxies"
    held = real["all" if by == "all" else like]
    places = [held.holds(s) for s in at]
    for where in ("within", "below"):
        if where in places:
            return VISIBILITIES[places.index(where)], where
    return VISIBILITIES[-1], "above"


def real_table(kinds: Mapping[str, Separation]) -> str:
    heads = ["kind", "sources", "others", "area (95%)", "enrichment (95%)", "ceiling",
             "enrichment / ceiling (95%)"]  # fmt: skip
    lines = []
    for name, s in kinds.items():
        three = (s.enrichment, s.enrichment_low, s.enrichment_high)
        share = [value / s.ceiling for value in three]
        lines.append([
            name, s.members, s.others, f"{s.auc:.3f} ({s.auc_low:.3f}-{s.auc_high:.3f})",
            "{:.1f} ({:.1f}-{:.1f})".format(*three), f"{s.ceiling:.1f}",
            "{:.2f} ({:.2f}-{:.2f})".format(*share),
        ])  # fmt: skip
    return table(heads, lines)


def planted_table(kinds: Mapping[str, Sequence[Separation]], real: Mapping[str, Range]) -> str:
    heads = ["kind", *(f"at {v:g}" for v in VISIBILITIES), "anchored by all", "by its like"]
    lines = []
    for kind, at in kinds.items():
        numbers = [f"{s.auc:.3f}, {s.enrichment / s.ceiling:.2f}" for s in at]
        lines.append([kind, *numbers, *(_said(anchored(kind, at, real, by)) for by in RANGES)])
    return table(heads, lines)


def _said(found: tuple[float, str]) -> str:
    visibility, where = found
    return f"{visibility:g}{'' if where == 'within' else f' ({where})'}"


def to_toml(
    kinds: Mapping[str, Sequence[Separation]],
    ranges: Mapping[str, Mapping[str, Range]],
    by: str,
) -> str:
    """What ``simulated_sky.py`` reads: visibilities by the default encoder, the first."""
    real = next(iter(ranges.values()))
    of = {kind: anchored(kind, at, real, by) for kind, at in kinds.items()}
    lines = ["# made by benchmarks/anchors.py: do not edit", f'by = "{by}"', "", "[visibility]"]
    lines += [f"{kind} = {visibility}" for kind, (visibility, _) in of.items()]
    lines += ["", "# kinds that lie within the range at no visibility", "[outside]"]
    lines += [f'{kind} = "{where}"' for kind, (_, where) in of.items() if where != "within"]
    for name, found in ranges.items():
        for of_what, r in found.items():
            lines += ["", f'[range."{name}".{of_what}]']
            lines += [f"auc = [{r.auc[0]:.4f}, {r.auc[1]:.4f}]"]
            lines += [f"share = [{r.share[0]:.4f}, {r.share[1]:.4f}]"]
    return "\n".join(lines) + "\n"
