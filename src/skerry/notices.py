"""What a user must know of how a run read, showed and searched its input, and what made it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from skerry.config import Config
from skerry.context import Context, classes_file
from skerry.discover.assemble import must_stand_out
from skerry.discover.checks import Q_BELOW
from skerry.discover.lineage import Lost, lost
from skerry.discover.surrogates import surrogate_size
from skerry.represent.contract import accepted, in_words
from skerry.represent.placed import computed_by
from skerry.store import nouns, read_manifest
from skerry.types import Contract

LOW_RECALL = 0.9
"""Share of true neighbors below which a user is warned."""


def warnings(context: Context) -> list[str]:
    """What a user must know of how the input was read and searched."""
    found = list(context.survey.notes)
    counts = {s: context.counts(s) for s in ("representations", "neighbors", "embedding")}
    if not counts["embedding"].get("spectral", True):
        found.append(
            "UMAP's spectral start failed, as it does where the graph falls into many parts; a "
            "seeded random start was used: groups may lie anywhere on the map."
        )
    if counts["embedding"].get("placed"):
        fitted, placed = counts["embedding"]["fitted"], counts["embedding"]["placed"]
        found.append(
            f"UMAP was fitted on {fitted:,} of {fitted + placed:,} sources, some of every group "
            f"that stands out among them, and the other {placed:,} were placed among these. A "
            "larger embedding.whole_below fits more."
        )
    if counts["neighbors"].get("copies"):
        copies = counts["neighbors"]["copies"]
        found.append(
            f"{copies} source{' has' if copies == 1 else 's have'} the very vector of another, as "
            "where a source is entered twice: one of each was searched, the others follow it into "
            "its class (neighbors/copies.parquet)."
        )
    if counts["neighbors"].get("recall", 1.0) < LOW_RECALL:
        found.append(
            f"The neighbor graph found only {counts['neighbors']['recall']:.0%} of the true "
            "neighbors: raise neighbors.exact_below to compare every pair."
        )
    if _placed_in_headers(context):
        found.append(
            "No positions are known: of those in FITS headers skerry catalog makes a catalog. "
            "Surface densities, sky maps and crossmatches need one with ra and dec in degrees."
        )
    found += few_nulls(context.distinct, context.config)
    found += [f"{gone.sentence}." for gone in _gone(context)]
    sides: dict[str, int] = counts["representations"].get("sides", {})
    return found + image_warnings(context, {int(side): n for side, n in sides.items()})


def _placed_in_headers(context: Context) -> bool:
    """Whether no source has a position, though FITS headers have them."""
    if context.contract is None or context.survey.sources["ra"].null_count < len(context.survey):
        return False
    return context.facts.placed


def few_nulls(n: int, config: Config) -> list[str]:
    """What is lost where featureless data is searched seldom, or in parts of n sources.

    How many candidates must stand out alike for any to be confirmed, told where one alone cannot.
    """
    if not config.nulls.n:
        return []
    part = surrogate_size(n, config)
    least = must_stand_out(n, config)
    if part == n:
        few = (
            f"By {config.nulls.n} search{'' if config.nulls.n == 1 else 'es'} of each kind of "
            f"featureless data no class can be confirmed unless {least} candidates or more stand "
            f"out as it does: a q below {Q_BELOW} for one alone takes a nulls.n of "
            f"{round(1 / Q_BELOW)}."
        )
        return [few] if least > 1 else []
    return [
        f"Each search of featureless data has {part:,} of {n:,} sources, so that a chance group "
        f"counts {n / part:.3g} times: no class can be confirmed unless {least} candidates or more "
        "stand out as it does. A larger nulls.n or nulls.sources lowers that number."
    ]


def _gone(context: Context) -> list[Lost]:
    """Classes of the previous run that were not rejected there and whose id is gone."""
    previous, _ = context.previous
    if not previous:
        return []
    before = nouns.read_classes(classes_file(context.config.classes.previous))
    stood = {rare.class_id for rare in before if rare.verdict != "rejected"}
    now = nouns.read_classes(classes_file(context.folder.path))
    ids = nouns.read_embedding_ids(context.path("embedding") / "embedding.parquet")
    return lost(
        [known for known in previous if known.class_id in stood],
        [(rare.class_id, rare.members) for rare in now],
        set(ids),
    )


def image_warnings(context: Context, sides: Mapping[int, int]) -> list[str]:
    """What a user must know of how images were shown to the encoder.

    ``sides`` counts them by their side in pixels.
    """
    contract = context.contract
    if contract is None:
        return []
    found = []
    if context.facts.gray and len(contract.bands) == 3:
        found.append(
            f"The images are gray; the encoder learned from {', '.join(contract.bands)} and is "
            "shown one band three times."
        )
    found += context.image_notes
    if accepted(context.config.representations.accept):
        found.append(
            "Differences from the encoder's contract were accepted: "
            f"{context.config.representations.accept}."
        )
    if context.config.representations.crop:
        return found
    unknown = {s: n for s, n in sides.items() if contract.crop_of(s) is None}
    if unknown:
        listed = ", ".join(f"{n} of {s} px" for s, n in list(unknown.items())[:5])
        found.append(
            f"The field of view of {sum(unknown.values())} images ({listed}) is not known; they "
            f"were taken whole. The encoder expects {contract.field}: if yours show "
            "another field, set representations.crop."
        )
    return found


def provenance(context: Context, stages: Sequence[str]) -> dict[str, str]:
    """Input, encoder, field of view, and the versions that each stage was made with."""
    encoder, contract = context.encoder, context.contract
    found = {"input": ", ".join(Path(path).name for path in context.folder.inputs)}
    if encoder is None or contract is None:
        found["encoder"] = "none: representations were given"
    else:
        by = computed_by(context.config.representations.device)
        ran = "".join(f", computed by {how}" for how in by.values())
        found["encoder"] = f"{encoder.name} (SHA-256 {encoder.sha256}){ran}"
        sides = context.counts("representations").get("sides", {})
        found["field of view"] = "; ".join(
            f"{n} images of {s} px, central {_share(context, contract, int(s)):.1%} kept"
            for s, n in list(sides.items())[:5]
        )
        found |= in_words(contract, context.facts)
    for stage in stages:
        manifest = read_manifest(context.path(stage))
        if manifest is not None:
            found |= manifest.versions
    return found


def _share(context: Context, contract: Contract, side: int) -> float:
    return context.config.representations.crop or contract.crop_of(side) or 1.0
