"""The nouns that pass between stages."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

FloatArray = npt.NDArray[np.float32]
DoubleArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
RowArray = npt.NDArray[np.int32]
ByteArray = npt.NDArray[np.uint8]

Verdict = Literal["unjudged", "confirmed", "tentative", "rejected"]


@dataclass(frozen=True)
class Failure:
    """A source that could not be read: a row of ``failures.parquet``.

    ``id_str`` may be empty where the input names none; ``location`` is the image's file, or
    file and row.
    """

    id_str: str
    location: str
    reason: str


@dataclass(frozen=True)
class Contract:
    """What an encoder expects of an image: the preprocessing that travels with its weights.

    ``size`` is the side in pixels of what it is given: uint8 RGB, gray repeated in each band.
    ``crops`` maps the side of a known kind of cutout, in pixels, to the central share of its
    width that shows the field the encoder learned; of any other image the whole is taken, and
    a warning says so. ``field`` says in words what that field is.

    ``bands`` names what the three planes showed in training, red first, or the one plane of a
    gray encoder (which itself averages the planes it is given). ``pixel_scale`` is in arcsec a
    pixel of what it is given; None where training cutouts were scaled to each galaxy, or where
    the encoder's makers do not say. ``stretch`` says how flux became the displayed value, empty
    where nobody says.

    ``kept`` is not the encoder's but one survey's: how many pixels of an image's width show the
    encoder's field of view at that survey's pixel scale.
    """

    size: int
    crops: dict[int, float]
    field: str
    bands: tuple[str, ...] = ("red", "green", "blue")
    pixel_scale: float | None = None
    stretch: str = ""
    kept: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """As it is stored inside an encoder's file; :meth:`from_dict` reads it."""
        stored = dataclasses.asdict(self)
        stored["crops"] = {str(k): v for k, v in sorted(self.crops.items())}
        stored["bands"] = list(self.bands)
        del stored["kept"]
        return stored

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Contract:
        """The inverse of :meth:`to_dict`; keys it does not know are left alone."""
        known = {f.name: stored[f.name] for f in dataclasses.fields(cls) if f.name in stored}
        known["crops"] = {int(side): share for side, share in known["crops"].items()}
        known["bands"] = tuple(known.get("bands", ("red", "green", "blue")))
        return cls(**known)

    def crop_of(self, side: int) -> float | None:
        """Share of the width to keep of an image ``side`` pixels wide; None if unknown."""
        if self.kept is not None:
            return min(1.0, self.kept / side)
        return self.crops.get(side)


@dataclass(frozen=True)
class Representations:
    """Vectors of sources, in the order of ``id_str``.

    ``vectors`` float32 (n, dimensions). ``votes`` float32 (n, n_answers) is the share of
    volunteers that the encoder expects to give each answer of ``vote_columns``, among those
    asked the question; NaN-free, and empty (n, 0) where the encoder has no heads. ``sides``
    int64 (n,) are the sides of the images in pixels, 0 where a vector came without an image.
    """

    id_str: tuple[str, ...]
    vectors: FloatArray
    votes: FloatArray
    sides: IntArray
    vote_columns: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()

    def __len__(self) -> int:
        return len(self.id_str)


@dataclass(frozen=True)
class NeighborGraph:
    """The k nearest neighbors of each distinct vector, itself left out, nearest first.

    ``indices`` int32 and ``distances`` float32 (Euclidean), both (n, k). ``recall`` is the share
    of true neighbors found, 1 for an exact graph.
    """

    indices: RowArray
    distances: FloatArray
    recall: float = 1.0


@dataclass(frozen=True)
class Embedding:
    """UMAP's ``coordinates``, float32 (n, d), to cluster, and ``map``, (n, 2), to look at.

    ``spectral``: False where UMAP's spectral start failed and a seeded random one was used.
    ``placed``: how many of the sources UMAP was not fitted on; they were placed among the others.
    """

    coordinates: FloatArray
    map: FloatArray
    spectral: bool = True
    placed: int = 0


@dataclass(frozen=True)
class CondensedTree:
    """HDBSCAN's condensed tree (Campello et al. 2013; McInnes & Healy 2017).

    One row an edge: ``parent`` and ``child`` int64 (children below ``n_points`` are sources),
    ``lam`` float64 is the inverse distance at which the child leaves, ``size`` int64 how many
    sources the child holds.
    """

    parent: IntArray
    child: IntArray
    lam: DoubleArray
    size: IntArray
    n_points: int


@dataclass(frozen=True)
class Candidate:
    """A cluster small and local enough to be a rare class.

    ``members`` are row numbers, most central first; ``probability`` float32 in (0, 1] their
    membership; ``persistence`` in [0, 1) is 1 - (lambda at birth / lambda at death) where a
    hierarchy was looked into, otherwise 0.
    """

    members: IntArray
    probability: FloatArray
    persistence: float


@dataclass(frozen=True)
class Measures:
    """What is measured of candidates in the space of the representations, float64 (n,) each.

    ``size`` counts members. ``isolation`` is the median over members of ln(distance to the
    5th nearest source outside / to the 5th nearest inside). ``overdensity`` is how many times as
    many sources a member has within the distance of the 5th outside as it would without the
    class, ``coherence`` the share of members among the members' 10 nearest neighbors, and
    ``spread`` the median distance of the members from their center over that of the shell, the
    sources just outside. ``containment``, the statistic that nulls judge, is how far the share of
    their edges in the neighbor graph that leaves them lies below what is usual of communities of
    their size, in robust standard deviations.
    """

    size: DoubleArray
    isolation: DoubleArray
    overdensity: DoubleArray
    coherence: DoubleArray
    spread: DoubleArray
    containment: DoubleArray

    def __len__(self) -> int:
        return len(self.size)


@dataclass(frozen=True)
class Replicate:
    """One repeated search: ``name`` (``subsample-3``), ``kind`` (``subsample``), the ``rows`` it
    saw, int64 ascending (None: all), and the members of each candidate it found, as rows of all.
    """

    name: str
    kind: str
    rows: IntArray | None
    found: tuple[IntArray, ...]


@dataclass(frozen=True)
class Check:
    """One measured test of a class."""

    name: str
    value: float
    threshold: float
    passed: bool
    sentence: str


@dataclass(frozen=True)
class RareClass:
    """A candidate with its checks and a verdict.

    ``members`` are ``id_str``, most central first, with ``probability`` for each: how often it
    came back in repeated searches, or its depth in the cluster where none was made (then
    ``replication``, the share of repeated searches that found the class, is None).
    ``containment`` is the statistic the nulls judge; ``p_value`` and ``q_value`` are None where
    no null was run. ``reasons`` say why the verdict is what it is. ``votes`` is the mean share
    the encoder expects for each answer. ``rank`` is 1 for the first: by verdict, then
    containment.
    The first ``core`` members are those that it was judged by; the others complete it.
    ``history`` says what became of the classes of a previous run, as ``kept its id`` or
    ``split from SKR-1``; empty where there is none.
    """

    class_id: str
    rank: int
    members: tuple[str, ...]
    probability: tuple[float, ...]
    exemplars: tuple[str, ...]
    persistence: float
    route: str
    verdict: Verdict = "unjudged"
    p_value: float | None = None
    q_value: float | None = None
    containment: float = 0.0
    overdensity: float = 0.0
    isolation: float = 0.0
    replication: float | None = None
    reasons: tuple[str, ...] = ()
    history: str = ""
    checks: tuple[Check, ...] = ()
    votes: dict[str, float] = field(default_factory=dict)
    core: int = 0

    @property
    def size(self) -> int:
        """How many members."""
        return len(self.members)


CLASSES_SCHEMA = pa.schema(
    [
        ("class_id", pa.string()),
        ("rank", pa.int32()),
        ("verdict", pa.string()),
        ("containment", pa.float64()),
        ("overdensity", pa.float64()),
        ("isolation", pa.float64()),
        ("p_value", pa.float64()),
        ("q_value", pa.float64()),
        ("replication", pa.float64()),
        ("size", pa.int64()),
        ("core", pa.int64()),
        ("prevalence", pa.float64()),
        ("prevalence_low", pa.float64()),
        ("prevalence_high", pa.float64()),
        ("surface_density", pa.float64()),
        ("surface_density_low", pa.float64()),
        ("surface_density_high", pa.float64()),
        ("persistence", pa.float64()),
        ("route", pa.string()),
        ("central_id", pa.string()),
        ("exemplars", pa.string()),
        ("distinctive", pa.string()),
        ("reasons", pa.string()),
        ("history", pa.string()),
        ("n_checks", pa.int32()),
        ("n_checks_passed", pa.int32()),
    ]
)
"""``classes``: one row a class. ``exemplars`` are ids as a JSON list."""

MEMBERS_SCHEMA = pa.schema(
    [
        ("id_str", pa.string()),
        ("class_id", pa.string()),
        ("ra", pa.float64()),
        ("dec", pa.float64()),
        ("probability", pa.float64()),
        ("order", pa.int32()),
        ("core", pa.bool_()),
        ("exemplar", pa.bool_()),
    ]
)
"""``members``: one row a member; ``order`` is 1 for the most central. ``core``: it is one of those
that the class was judged by."""

CHECKS_SCHEMA = pa.schema(
    [
        ("class_id", pa.string()),
        ("check", pa.string()),
        ("value", pa.float64()),
        ("threshold", pa.float64()),
        ("passed", pa.bool_()),
        ("sentence", pa.string()),
    ]
)
"""``checks``: one row a check of a class."""

UNCLUSTERED_SCHEMA = pa.schema(
    [
        ("id_str", pa.string()),
        ("nearest_class", pa.string()),
        ("distance_ratio", pa.float64()),
        ("reason", pa.string()),
        ("membership", pa.float64()),
    ]
)
"""``unclustered``: one row a source in no class, rejected candidates not counted as classes."""
