"""Synthetic findings: a sea of sources, a few tight groups and fake galaxies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from skerry.config import ASSUMED, Config
from skerry.publish import shown_ids
from skerry.publish.findings import Findings, Images
from skerry.types import ByteArray, Check, Failure, RareClass, Verdict

AWKWARD = "J12+05 <b>&\"'/.."
"""An id that is awkward as HTML, as a file name and as XML."""

Make = Callable[..., Findings]


def fake_images(ids: Iterable[str]) -> dict[str, ByteArray]:
    """A colored blob on noise for every id."""
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    found = {}
    for name in ids:
        rng = np.random.default_rng(sum(name.encode()))
        q, angle = rng.uniform(0.3, 1), rng.uniform(0, np.pi)
        u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        blob = np.exp(-np.hypot(u, v / q) / 0.15)[..., None] * rng.uniform(0.5, 1, 3)
        noisy = 255 * blob + rng.normal(12, 6, (64, 64, 3))
        found[name] = np.clip(noisy, 0, 255).astype(np.uint8)
    return found


def make_findings(n_classes: int = 3, n: int = 2000, seed: int = 0) -> Findings:
    """Findings with ``n_classes`` classes of 12 or more members among ``n`` sources."""
    rng = np.random.default_rng(seed)
    ids = [f"S{i:06d}" for i in range(n)]
    ids[0] = AWKWARD
    points = rng.normal(0, 4, (n, 2)).astype(np.float32)
    sizes = rng.integers(12, max(13, min(60, n // max(n_classes, 1))), n_classes)
    classes, start = [], 0
    for rank, size in enumerate(sizes.tolist(), start=1):
        members = tuple(ids[start : start + size])
        points[start : start + size] = rng.normal(rng.uniform(-12, 12, 2), 0.15, (size, 2))
        start += size
        classes.append(
            RareClass(
                class_id=members[0],
                rank=rank,
                members=members,
                probability=tuple(np.linspace(1, 0.4, size).tolist()),
                exemplars=members[:12],
                persistence=0.9 / rank**0.3,
                route="graph",
                overdensity=8 / rank**0.5,
                isolation=1.2 / rank**0.5,
                containment=12 / rank**0.5,
                checks=(Check("coherence", 0.9, 0.5, True, "Of its neighbors 90% are <in> it."),),
            )
        )
    ra = [None if i == 1 else 180 + i * 1e-3 for i in range(n)]
    return Findings(
        classes=tuple(classes),
        sources=pa.table(
            {
                "id_str": ids,
                "ra": ra,
                "dec": rng.uniform(-1, 1, n),
                "location": [f"images/{i}.jpg" for i in range(n)],
            }
        ),
        map=points,
        ids=tuple(ids),
        n_sources=n + 2,
        config=Config(),
        failures=(
            Failure("lost<1>", "images/lost.jpg", "no such file"),
            Failure("torn", "images/torn.jpg", "the file is cut short"),
        ),
        distinctive={c.class_id: "ring 0.62 (all sources 0.04) & <odd>" for c in classes},
        assumed=ASSUMED["walmsley2023"],
        provenance={
            "input": "survey/catalog.csv",
            "encoder": "default (EfficientNet-B0)",
            "encoder sha256": "0f" * 32,
            "skerry": "0.1.0",
            "numpy": np.__version__,
        },
        warnings=("the field of view of 424-pixel images is not known: all of it was taken",),
    )


def judge_findings(found: Findings, verdicts: Sequence[Verdict]) -> Findings:
    """The same findings judged, one verdict a class, with nulls and the sources outside."""
    q = {"confirmed": 0.01, "tentative": 0.04, "rejected": 0.5}
    judged = tuple(
        replace(
            one,
            verdict=verdict,
            p_value=q[verdict] / 2,
            q_value=q[verdict],
            replication=0.75,
            reasons=(f"It is {verdict} <so>.", "And & more."),
            history="split from SKR-9",
            checks=(
                Check("null", q[verdict], 0.05, q[verdict] < 0.05, "Seldom by chance."),
                Check("coherence", 0.41, 0.5, verdict == "confirmed", "41% are members."),
            ),
        )
        for one, verdict in zip(found.ranked, verdicts, strict=True)
    )
    rng = np.random.default_rng(len(verdicts))
    inside = {m for c in judged if c.verdict != "rejected" for m in c.members}
    outside = [name for name in found.ids if name not in inside]
    reasons = ["edge of the class", *["in the sea"] * (len(outside) - 1)]
    return replace(
        found,
        classes=judged,
        null_containment={"shuffled": np.zeros(0), "smooth-2": rng.gumbel(3, 0.5, 90)},
        n_nulls=20,
        area=79.5,
        unclustered=pa.table(
            {
                "id_str": outside,
                "nearest_class": [judged[0].class_id] * len(outside),
                "distance_ratio": rng.uniform(1, 9, len(outside)),
                "reason": reasons,
                "membership": rng.uniform(0, 0.1, len(outside)),
            }
        ),
    )


@pytest.fixture(scope="session")
def findings() -> Findings:
    """Three classes."""
    return make_findings()


@pytest.fixture(scope="session")
def make() -> Make:
    """A maker of findings with any number of classes."""
    return make_findings


@pytest.fixture(scope="session")
def judged() -> Findings:
    """Six classes: two confirmed, one tentative, three rejected."""
    verdicts: list[Verdict] = ["confirmed"] * 2 + ["tentative"] + ["rejected"] * 3
    return judge_findings(make_findings(6), verdicts)


@pytest.fixture(scope="session")
def judge() -> Callable[[Findings, Sequence[Verdict]], Findings]:
    """A judge of findings."""
    return judge_findings


@pytest.fixture(scope="session")
def images_of() -> Callable[[Iterable[str]], Images]:
    """A maker of fake cutouts."""
    return fake_images


@pytest.fixture(scope="session")
def images(findings) -> Images:
    """Cutouts of all sources that the three classes show."""
    return fake_images(shown_ids(findings))
