"""The searches that ``simulated_sky.py`` holds beside each other."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable
from dataclasses import dataclass, replace

from generators import groups_of
from skies import Survey
from tables import Row
from vectors import ENCODERS, Look, by_encoder, by_pixels, by_timm

from skerry import config
from skerry.config import ROUTES, Config
from skerry.discover.find import Searched, find
from skerry.types import FloatArray, IntArray

SEARCHES = (*ROUTES, "plain", "pixels")


@dataclass(frozen=True)
class Found:
    """The ``classes`` that count, and what was passed over with its verdict; rows of members."""

    classes: list[IntArray]
    others: list[tuple[str, IntArray]]


@dataclass(frozen=True)
class Method:
    """A search of the vectors of a look; ``settings`` keep rows made with others apart."""

    search: str
    look: Look
    settings: str
    run: Callable[[FloatArray], Found]

    def case(self, survey: Survey) -> Row:
        own = {"search": self.search, "vectors": self.look.name, "settings": self.settings}
        return {**own, **survey.case}

    @property
    def judges(self) -> bool:
        return self.search in ROUTES


def judged(vectors: FloatArray, settings: Config) -> Found:
    return counting(find(vectors, settings))


def counting(searched: Searched) -> Found:
    """The confirmed classes count, all other candidates do not."""
    verdicts = [each.judgement.verdict for each in searched.judged]
    others: list[tuple[str, IntArray]] = [
        (v, searched.members(i)) for i, v in enumerate(verdicts) if v != "confirmed"
    ]
    return Found(searched.confirmed(), others)


def plain(vectors: FloatArray) -> Found:
    import umap

    return clustered(umap.UMAP(random_state=0).fit_transform(vectors))


def clustered(vectors: FloatArray) -> Found:
    import hdbscan

    return Found(groups_of(hdbscan.HDBSCAN().fit_predict(vectors)), [])


def methods(args: argparse.Namespace) -> list[Method]:
    """Those asked for, in the order of the tables."""
    shipped = [by_encoder(name) for name in args.encoders]
    made = []
    for search in args.searches:
        if search in ROUTES:
            settings = settings_of(search, args.nulls)
            run = functools.partial(judged, settings=settings)
            made += [Method(search, look, config.digest(settings)[:8], run) for look in shipped]
        elif search == "plain":
            looks = [by_timm(args.timm, args.weights, args.side), by_encoder(ENCODERS[0])]
            made += [Method(search, look, "", plain) for look in looks]
        else:
            made.append(Method(search, by_pixels(), "", clustered))
    return made


def settings_of(route: str, nulls: int) -> Config:
    base = Config()
    return replace(
        base,
        clusters=replace(base.clusters, route=route),
        nulls=replace(base.nulls, n=nulls),
    )
