"""What a run found, gathered from its folder for the products and for a notebook."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from skerry.answered import answers
from skerry.config import ASSUMED, Config
from skerry.context import Context
from skerry.discover import distinctive, kinds_of, pooled
from skerry.notices import provenance, warnings
from skerry.publish import Findings
from skerry.store import encoded, nouns, read_table
from skerry.surroundings import area, unclustered
from skerry.types import DoubleArray

_MADE_BY = ("representations", "neighbors", "embedding", "clusters", "nulls", "classes")


def stored_findings(run: Path, config: Config) -> Findings:
    """What the files of a run hold by themselves, which is all that its figures need.

    ``distinctive``, ``provenance``, ``warnings``, ``unclustered`` and ``area`` are left empty:
    they need the input, or are long in the making (:func:`findings_of`).

    Raises
    ------
    RunError
        A file of a stage before the products is missing or damaged.
    """
    placed = run / "embedding" / "embedding.parquet"
    sources = read_table(run / "sources" / "sources.parquet")
    return Findings(
        classes=nouns.read_classes(run / "classes" / "classes.json"),
        sources=sources,
        ids=nouns.read_embedding_ids(placed),
        map=nouns.read_embedding(placed).map,
        failures=encoded.read_failures(run / "representations" / "failures.parquet"),
        n_sources=len(sources),
        config=config,
        assumed=ASSUMED.get(config.preset, ()),
        null_containment=_null_containment(run / "nulls", config),
        n_nulls=config.nulls.n,
        answers=answers(run),
    )


def findings_of(context: Context) -> Findings:
    """All that a run found, as its products show it.

    Raises
    ------
    RunError
        As :func:`stored_findings`.
    """
    found, data = stored_findings(context.folder.path, context.config), context.representations
    return replace(
        found,
        sources=context.survey.sources,
        distinctive=distinctive(found.classes, data.votes, data.vote_columns),
        provenance=provenance(context, _MADE_BY),
        warnings=tuple(warnings(context)),
        unclustered=unclustered(context, found.classes),
        area=area(context),
    )


def _null_containment(folder: Path, config: Config) -> dict[str, DoubleArray]:
    """The containment of every group found in each kind of featureless data, by kind."""
    if not config.nulls.n:
        return {}
    searches = {
        kind: [
            nouns.read_measures(folder / f"{kind}-{number:03d}.parquet")
            for number in range(config.nulls.n)
        ]
        for kind in kinds_of(config)
    }
    return {kind: pooled(found).containment for kind, found in searches.items()}
