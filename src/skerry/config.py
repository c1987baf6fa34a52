"""Every setting of a run: one frozen dataclass a stage, read from and written to TOML."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_type_hints

from skerry.errors import ConfigError


@dataclass(frozen=True)
class SourcesConfig:
    """Reading the catalog. Column names are found by their usual aliases where left empty.

    ``pixel_scale`` (arcsec a pixel), ``bands`` (in the order of the images' planes: red first
    in JPEG and PNG, as stored in FITS; joined by commas) and ``stretch`` say what the images
    are. What is left empty is read from FITS headers where there are any, else not known and
    not held against the encoder's contract.
    """

    id_column: str = ""
    ra_column: str = ""
    dec_column: str = ""
    image_column: str = ""
    vector_prefix: str = ""
    max_failed: float = 0.2
    pixel_scale: float = 0.0
    bands: str = ""
    stretch: str = ""


@dataclass(frozen=True)
class RepresentationsConfig:
    """Preparing cutouts and encoding them. ``crop`` is the share of an image's width kept;
    0 means as the encoder's field of view asks. ``accept`` names what may differ from the
    encoder's contract (``pixel_scale``, ``bands``, ``stretch``, joined by commas). ``device``
    ``cuda`` encodes on a GPU, in float16: vectors differ from those of ``cpu`` by a thousandth."""

    encoder: str = "default"
    crop: float = 0.0
    accept: str = ""
    shard_size: int = 2048
    device: str = "cpu"


@dataclass(frozen=True)
class NeighborsConfig:
    """The graph of each source's ``k`` nearest neighbors. On ``device`` ``cpu`` every pair is
    compared up to ``exact_below`` sources, on ``cuda``, a GPU, always."""

    k: int = 30
    exact_below: int = 30_000
    device: str = "cpu"


@dataclass(frozen=True)
class EmbeddingConfig:
    """UMAP. ``epochs`` are its rounds of moving points; 0: as many as UMAP itself would take.
    Of more sources than ``whole_below`` it is fitted on about so many, some of every group, and
    the others are placed among these. On ``device`` ``cuda``, a GPU, cuML makes it, of all
    sources, and what HDBSCAN finds in it: another embedding."""

    n_neighbors: int = 15
    n_components: int = 5
    min_dist: float = 0.0
    map_min_dist: float = 0.1
    epochs: int = 0
    seed: int = 0
    device: str = "cpu"
    whole_below: int = 100_000


@dataclass(frozen=True)
class ClustersConfig:
    """The search: ``route`` is ``graph`` or ``umap-hdbscan``. A place is as dense as its
    ``min_samples`` nearest neighbors are near."""

    route: str = "graph"
    min_samples: int = 5


@dataclass(frozen=True)
class NullsConfig:
    """Featureless data on which the whole search is run to see what chance finds.

    ``n`` of each kind, 0 for none. ``scales`` are those below which the smooth null has no
    clumps, in units of the largest class, joined by commas. Of more than ``sources`` each holds
    a random part as large as that.
    """

    n: int = 20
    scales: str = "1,2,4"
    seed: int = 0
    sources: int = 100_000


@dataclass(frozen=True)
class ReplicationConfig:
    """Repeated searches: how many random ``subsamples`` of a ``share`` of the sources, and how
    many UMAP ``seeds`` (for the route that uses it); 0 of both for none at all. ``encoder``
    names a second encoder in which each class is looked at, empty for none. Of more sources than
    ``whole_below`` only those around the candidates that chance does not explain are searched
    again."""

    subsamples: int = 10
    share: float = 0.8
    seeds: int = 3
    encoder: str = ""
    seed: int = 0
    whole_below: int = 100_000


@dataclass(frozen=True)
class ClassesConfig:
    """The smallest and the largest class, in sources.

    ``max_share`` is the largest as a share of all sources: the smaller of the two holds.
    ``previous`` is the folder of an earlier run, whose classes' ids are kept. ``area`` is that
    of the footprint in square degrees; 0: estimated from the positions.
    """

    min_size: int = 10
    max_size: int = 1000
    max_share: float = 0.05
    exemplars: int = 12
    previous: str = ""
    area: float = 0.0


@dataclass(frozen=True)
class Config:
    """All settings of a run."""

    preset: str = "skerry"
    sources: SourcesConfig = field(default_factory=SourcesConfig)
    representations: RepresentationsConfig = field(default_factory=RepresentationsConfig)
    neighbors: NeighborsConfig = field(default_factory=NeighborsConfig)
    embedding: EmbeddingConfig = field(default_factory=EmbeddingConfig)
    clusters: ClustersConfig = field(default_factory=ClustersConfig)
    nulls: NullsConfig = field(default_factory=NullsConfig)
    replication: ReplicationConfig = field(default_factory=ReplicationConfig)
    classes: ClassesConfig = field(default_factory=ClassesConfig)


DEVICES = ("cpu", "cuda")
"""Where representations and embedding are made and neighbors looked for; ``cuda`` is a GPU."""

ON_DEVICE = ("representations", "neighbors")
"""Sections that ``--device`` speaks for, computed by torch on a GPU; ``embedding`` is by cuML."""

_CUML_SAMPLES = 682
"""cuML takes 1,023 at most, and repeated searches go up to three halves."""

ROUTES = ("graph", "umap-hdbscan")
"""From vectors to candidates: communities of the neighbor graph, or UMAP and HDBSCAN."""

PRESETS: Mapping[str, Config] = {
    "skerry": Config(),
    "walmsley2023": Config(
        preset="walmsley2023", clusters=ClustersConfig(route="umap-hdbscan", min_samples=10)
    ),
}
"""Named settings. ``walmsley2023`` goes the way of Walmsley & Scaife 2023 (arXiv 2312.02910)."""

ASSUMED: Mapping[str, tuple[str, ...]] = {
    "walmsley2023": (
        "neighbors.k",
        "neighbors.exact_below",
        "embedding.n_neighbors",
        "embedding.n_components",
        "embedding.min_dist",
        "embedding.map_min_dist",
        "embedding.epochs",
        "embedding.seed",
        "embedding.whole_below",
        "clusters.min_samples",
        "classes.min_size",
        "classes.max_size",
        "classes.max_share",
        "classes.exemplars",
    )
}
"""Settings of a preset that its paper does not give: chosen here, marked in every report."""


_LISTS = ("nulls.scales",)
"""Settings of numbers in a text, of which one number alone is one too."""


def _section(kind: type, name: str, values: Mapping[str, Any]) -> Any:
    known = get_type_hints(kind)
    for key, value in values.items():
        if key not in known:
            raise ConfigError(_unknown(f"{name}.{key}", [f"{name}.{k}" for k in known]))
        allowed, expected = _allowed(f"{name}.{key}", known[key])
        if isinstance(value, bool) or not isinstance(value, allowed):
            raise ConfigError(f"{name}.{key} is {value!r}; expected {expected}")
    return kind(**{k: known[k](v) for k, v in values.items()})


def _allowed(key: str, kind: type) -> tuple[tuple[type, ...], str]:
    """The types that a setting of a kind may be given in, and how they are called."""
    if key in _LISTS:
        return (int, float, str), 'a text, as "1,2,4"'
    return (int, float) if kind is float else (kind,), kind.__name__


def _unknown(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.0)
    return f"unknown setting {key!r}; did you mean {near[0]!r}? Known: {', '.join(known)}"


def from_mapping(values: Mapping[str, Any], base: Config | None = None) -> Config:
    """Settings from nested tables as TOML gives them; what is not named comes from the preset.

    Raises
    ------
    ConfigError
        A table or key is unknown (the nearest is suggested), of the wrong type or out of range.
    """
    preset = values.get("preset", base.preset if base else "skerry")
    if not isinstance(preset, str) or preset not in PRESETS:
        raise ConfigError(_unknown(str(preset), list(PRESETS)))
    config = base if base and base.preset == preset else PRESETS[preset]
    sections = {f.name: type(getattr(config, f.name)) for f in dataclasses.fields(config)}
    changed: dict[str, Any] = {}
    for name, table in values.items():
        if name == "preset":
            continue
        if name not in sections:
            raise ConfigError(_unknown(name, list(sections)))
        if not isinstance(table, Mapping):
            raise ConfigError(f"{name} is {table!r}; expected a table of settings, [{name}]")
        merged = {**dataclasses.asdict(getattr(config, name)), **table}
        changed[name] = _section(sections[name], name, merged)
    resolved = dataclasses.replace(config, **changed)
    _validate(resolved)
    return resolved


def asks_for_gpu(config: Config) -> bool:
    """Whether images are to be encoded or neighbors looked for on a GPU."""
    return any(getattr(config, section).device != "cpu" for section in ON_DEVICE)


def _validate(config: Config) -> None:
    rules = [
        ("sources.max_failed", 0 <= config.sources.max_failed <= 1, "between 0 and 1"),
        (
            "sources.pixel_scale",
            0 <= config.sources.pixel_scale < math.inf,
            "0 (not known) or more, and finite",
        ),
        ("representations.crop", 0 <= config.representations.crop <= 1, "between 0 and 1"),
        ("representations.shard_size", config.representations.shard_size > 0, "positive"),
        *(
            (f"{s}.device", getattr(config, s).device in DEVICES, f"one of {', '.join(DEVICES)}")
            for s in (*ON_DEVICE, "embedding")
        ),
        ("neighbors.k", config.neighbors.k > 0, "positive"),
        ("neighbors.exact_below", config.neighbors.exact_below >= 0, "0 or more"),
        (
            "embedding.n_neighbors",
            2 <= config.embedding.n_neighbors <= config.neighbors.k + 1,
            f"between 2 and neighbors.k + 1 = {config.neighbors.k + 1}",
        ),
        ("embedding.epochs", config.embedding.epochs >= 0, "0 or more"),
        ("embedding.seed", 0 <= config.embedding.seed < 2**32, "from 0 to 2**32 - 1"),
        ("embedding.whole_below", config.embedding.whole_below >= 100, "100 or more"),
        ("embedding.n_components", config.embedding.n_components > 0, "positive"),
        ("embedding.min_dist", 0 <= config.embedding.min_dist <= 1, "between 0 and 1"),
        ("embedding.map_min_dist", 0 <= config.embedding.map_min_dist <= 1, "between 0 and 1"),
        ("clusters.route", config.clusters.route in ROUTES, f"one of {', '.join(ROUTES)}"),
        (
            "clusters.min_samples",
            1 <= config.clusters.min_samples <= config.neighbors.k,
            f"from 1 to neighbors.k = {config.neighbors.k}",
        ),
        (
            "clusters.min_samples",
            config.embedding.device == "cpu" or config.clusters.min_samples <= _CUML_SAMPLES,
            f"{_CUML_SAMPLES} or less with embedding.device = cuda",
        ),
        ("nulls.n", config.nulls.n >= 0, "0 (none) or more"),
        (
            "nulls.scales",
            bool(scales_of(config.nulls)),
            "numbers above 0, as 1,2,4, no two alike in six digits",
        ),
        ("nulls.seed", config.nulls.seed >= 0, "0 or more"),
        ("nulls.sources", config.nulls.sources >= 500, "500 or more"),
        ("replication.subsamples", config.replication.subsamples >= 0, "0 (none) or more"),
        ("replication.share", 0.5 <= config.replication.share < 1, "from 0.5 to below 1"),
        ("replication.seeds", config.replication.seeds >= 0, "0 (none) or more"),
        ("replication.seed", config.replication.seed >= 0, "0 or more"),
        ("replication.whole_below", config.replication.whole_below >= 0, "0 or more"),
        ("classes.min_size", config.classes.min_size >= 2, "2 or more"),
        (
            "classes.max_size",
            config.classes.max_size >= config.classes.min_size,
            f"at least classes.min_size = {config.classes.min_size}",
        ),
        ("classes.max_share", 0 < config.classes.max_share <= 1, "above 0, at most 1"),
        ("classes.area", 0 <= config.classes.area < 41_253, "0 (unknown) to the whole sky, deg2"),
        ("classes.exemplars", config.classes.exemplars >= 1, "1 or more"),
    ]
    for key, holds, expected in rules:
        if not holds:
            section, name = key.split(".")
            found = getattr(getattr(config, section), name)
            raise ConfigError(f"{key} is {found}; expected {expected}")


def scales_of(nulls: NullsConfig) -> tuple[float, ...]:
    """The scales of the smooth null, ascending and each once; empty where they are no numbers."""
    try:
        found = {float(part) for part in nulls.scales.split(",")}
    except ValueError:
        return ()
    # they name files: no two of one name
    named = len({f"{scale:g}" for scale in found}) == len(found)
    return tuple(sorted(found)) if named and all(0 < s < math.inf for s in found) else ()


def parse_override(text: str) -> dict[str, Any]:
    """One ``section.key=value`` of the command line as nested tables.

    Raises
    ------
    ConfigError
        The text has no ``=`` or no section.
    """
    key, equals, value = text.partition("=")
    section, dot, name = key.strip().partition(".")
    if not equals or not dot:
        raise ConfigError(f"{text!r} is no setting; write section.key=value, as neighbors.k=30")
    try:
        parsed: Any = tomllib.loads(f"v = {value.strip()}")["v"]
    except tomllib.TOMLDecodeError:
        parsed = value.strip()
    return {section: {name: parsed}}


def load(path: Path) -> Mapping[str, Any]:
    """The tables of a TOML file.

    Raises
    ------
    ConfigError
        The file is missing or no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"no configuration file {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error


def toml_value(value: str | int | float) -> str:
    """One value as TOML, which reads JSON's but for the escapes beyond its first plane."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def toml_key(name: str) -> str:
    """A key as TOML, in quotes where it needs them."""
    return name if re.fullmatch("[A-Za-z0-9_-]+", name) else toml_value(name)


def to_toml(config: Config) -> str:
    """The fully resolved settings as TOML, assumed values marked."""
    assumed = ASSUMED.get(config.preset, ())
    lines = [f'preset = "{config.preset}"']
    for section in dataclasses.fields(config):
        if section.name == "preset":
            continue
        lines += ["", f"[{section.name}]"]
        for key, value in dataclasses.asdict(getattr(config, section.name)).items():
            mark = (
                "  # assumed: the paper does not give it"
                if (f"{section.name}.{key}" in assumed)
                else ""
            )
            lines.append(f"{key} = {toml_value(value)}{mark}")
    return "\n".join(lines) + "\n"


def digest(*parts: object) -> str:
    """SHA-256, in hex, of dataclasses, mappings, sequences and scalars, by content."""

    def plain(part: object) -> object:
        if dataclasses.is_dataclass(part) and not isinstance(part, type):
            return dataclasses.asdict(part)
        return part

    text = json.dumps([plain(p) for p in parts], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
