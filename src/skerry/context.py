"""What the stages of one run share, and what each of them depends on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from skerry import publish
from skerry.adding.earlier import Earlier
from skerry.adding.joint import parts_of
from skerry.answered import answers_digest
from skerry.config import Config
from skerry.discover import Space, first_of_each, in_canonical_order, space_of
from skerry.discover.checks import Q_BELOW
from skerry.discover.lineage import Known, Lost, lost
from skerry.discover.nulls import fewest
from skerry.discover.surrogates import surrogate_size
from skerry.errors import ConfigError, InputError
from skerry.executors.executor import Executor
from skerry.executors.local import Local
from skerry.progress import OnEvent
from skerry.represent.contract import accepted, hold, in_words
from skerry.represent.encoder import Encoder, load
from skerry.represent.placed import computed_by
from skerry.store import nouns, read_manifest
from skerry.store.manifest import file_digest
from skerry.store.runfolder import RunFolder
from skerry.survey import Facts, Survey, facts, view
from skerry.types import ByteArray, Contract, Failure, IntArray, Representations

VIEW_SIZE = 128
"""Side in pixels of the cutouts in sheets and report."""


LOW_RECALL = 0.9
"""Share of true neighbors below which a user is warned."""


@dataclass
class Context:
    """One run at work; each noun is read once, when first asked for.

    Images are encoded, featureless data searched and searches repeated by ``executor``, on
    ``threads`` here or in each of its tasks.
    ``earlier`` is the run that an input is added to, of which what is the same is taken.
    """

    folder: RunFolder
    survey: Survey
    config: Config
    on_event: OnEvent
    threads: int = 0
    executor: Executor = field(default_factory=Local)
    earlier: Earlier | None = None

    def path(self, stage: str) -> Path:
        """The folder of a stage."""
        return self.folder.path / stage

    @cached_property
    def fingerprint(self) -> str:
        """Of the input, by its sources and the size and time of change of its files."""
        return self.survey.fingerprint()

    @cached_property
    def encoder(self) -> Encoder | None:
        """The encoder, None for a table of representations."""
        if self.survey.kind == "vectors":
            return None
        return load(self.config.representations.encoder)

    @cached_property
    def facts(self) -> Facts:
        """What the survey's images say of themselves: of several inputs those of the first."""
        return facts(parts_of(self.survey)[0], self.config.sources)

    @cached_property
    def contract(self) -> Contract | None:
        """The encoder's contract, held against the survey; None for representations.

        Raises
        ------
        ContractError
            The images are not what the encoder expects.
        """
        return self._held(self.encoder)

    @cached_property
    def second_encoder(self) -> Encoder | None:
        """The second encoder, None where none is set.

        Raises
        ------
        ConfigError
            One is set, but the survey is a table of representations.
        """
        name = self.config.replication.encoder
        if not name:
            return None
        if self.survey.kind == "vectors":
            raise ConfigError(
                f"replication.encoder = {name}: {self.survey.path} holds representations, not "
                "images; leave it empty or give the images"
            )
        return load(name)

    @cached_property
    def second_contract(self) -> Contract | None:
        """The second encoder's contract, held against the survey.

        Raises
        ------
        ContractError
            The images are not what it expects.
        """
        return self._held(self.second_encoder)

    def _held(self, encoder: Encoder | None) -> Contract | None:
        if encoder is None:
            return None
        settings = self.config.representations
        return hold(encoder.contract, self.facts, encoder.name, settings.crop, settings.accept)

    @cached_property
    def representations(self) -> Representations:
        """All representations in canonical order: by content, so that names do not matter."""
        self.on_event("putting in order", 0, 1)
        ordered = in_canonical_order(nouns.read_representations(self.path("representations")))
        self.on_event("putting in order", 1, 1)
        return ordered

    @cached_property
    def firsts(self) -> IntArray:
        """Rows of :attr:`representations` that are searched: of identical vectors the first."""
        return first_of_each(self.representations.vectors)

    @cached_property
    def searched(self) -> tuple[str, ...]:
        """Ids of the rows that are searched."""
        return tuple(self.representations.id_str[i] for i in self.firsts)

    @cached_property
    def places(self) -> IntArray:
        """For each row of :attr:`representations` its position among those searched."""
        starts = np.zeros(len(self.representations), dtype=np.int64)
        starts[self.firsts] = 1
        return np.cumsum(starts) - 1

    @cached_property
    def copies(self) -> dict[str, tuple[str, ...]]:
        """Sources whose vector is that of a searched one, by its id."""
        ids = self.representations.id_str
        ends = np.append(self.firsts[1:], len(ids))
        return {ids[a]: ids[a + 1 : b] for a, b in zip(self.firsts, ends, strict=True) if b - a > 1}

    @cached_property
    def space(self) -> Space:
        """The searched vectors with the neighbor graph of the run."""
        graph = nouns.read_graph(self.path("neighbors"))
        vectors = self.representations.vectors[self.firsts]
        return Space(vectors, graph, self.config.neighbors)

    @cached_property
    def previous(self) -> tuple[list[Known], set[str]]:
        """Classes and ids of all sources of the previous run; empty where none is named.

        Raises
        ------
        ConfigError
            It has no classes, or is this very run.
        RunError
            Its files are damaged.
        """
        run = self.config.classes.previous
        if not run:
            return [], set()
        if Path(run).resolve() == self.folder.path.resolve():
            raise ConfigError(
                f"classes.previous = {run} is the folder of this very run; expected that of an "
                "earlier one: choose another folder with -o"
            )
        known = nouns.read_classes(classes_file(run))
        ids = nouns.read_embedding_ids(Path(run) / "embedding" / "embedding.parquet")
        return [Known(rare.class_id, frozenset(rare.members)) for rare in known], set(ids)

    @cached_property
    def second_space(self) -> Space | None:
        """The searched sources as the second encoder sees them, None where none is set.

        Raises
        ------
        InputError
            The second encoder gave no vector to some of them.
        """
        if self.second_encoder is None:
            return None
        data = nouns.read_representations(self.path("second"))
        row = {name: i for i, name in enumerate(data.id_str)}
        absent = [name for name in self.searched if name not in row]
        if absent:
            raise InputError(
                f"{self.second_encoder.name} gave {len(absent)} sources no vector, as "
                f"{absent[0]}: see {self.path('second') / 'failures.parquet'}"
            )
        rows = [row[name] for name in self.searched]
        return space_of(data.vectors[rows], self.config.neighbors)

    def views(self, ids: Sequence[str]) -> dict[str, ByteArray]:
        """Cutouts to look at, by id, read in one pass.

        Raises
        ------
        InputError
            One could be read before and cannot now.
        """
        contract = self.contract
        if contract is None:
            return {}
        row_of = {i: row for row, i in enumerate(self.survey.sources["id_str"].to_pylist())}
        rows = sorted(row_of[i] for i in set(ids))
        chosen = self.survey.sources.take(pa.array(rows, pa.int64())).to_pylist()
        found = {}
        for source, raw in zip(chosen, self.survey.images(rows), strict=True):
            if isinstance(raw, Failure):
                raise InputError(
                    f"{raw.location} was readable before, now it is not: {raw.reason}; put it back "
                    "as it was, or start the same command again, which lists it as a failure"
                )
            found[source["id_str"]] = view(
                raw, source["location"], VIEW_SIZE, contract, self.config.representations.crop
            )
        return found


_SECTIONS = {
    "neighbors": ("neighbors",),
    "clusters": ("neighbors", "clusters", "classes"),
    "nulls": ("neighbors", "embedding", "clusters", "nulls", "classes"),
    "replication": ("neighbors", "embedding", "clusters", "replication", "classes"),
    "second": (),
    "classes": ("clusters", "nulls", "replication", "classes"),
}
_ONLY_SHOWN = {
    "classes": ("exemplars", "previous", "area"),
    "embedding": ("map_min_dist",),
    "replication": ("encoder",),
}
"""Settings that no search depends on."""

_HOW_MANY = {"nulls": ("n",), "replication": ("subsamples", "seeds")}
"""Settings that say how many parts a stage has, not what is in one."""


COMPUTES = {
    "representations": "representations",
    "second": "representations",
    "neighbors": "neighbors",
    "embedding": "embedding",
    "nulls": "neighbors",
    "replication": "neighbors",
}
"""Stages that compute on a device, with the section of the settings that names it."""


def device_of(stage: str, config: Config) -> str:
    """Where a stage computes: ``cpu`` or ``cuda``."""
    return str(getattr(config, COMPUTES[stage]).device) if stage in COMPUTES else "cpu"


def by_cuml(stage: str, config: Config) -> bool:
    """Whether UMAP or HDBSCAN runs on a GPU in a stage; repeated searches go both routes."""
    if config.embedding.device == "cpu":
        return False
    compresses = config.clusters.route == "umap-hdbscan" and stage in ("clusters", "nulls")
    return compresses or stage in ("embedding", "replication")


def settings_of(stage: str, config: Config) -> dict[str, Any]:
    """The settings that a stage's files depend on."""
    found = _settings_of(stage, config)
    # what the CPU made is what was made before there was a choice
    for table in (found, *found.values()):
        if isinstance(table, dict) and table.get("device") == "cpu":
            del table["device"]
    return found


def _settings_of(stage: str, config: Config) -> dict[str, Any]:
    if stage == "products":
        return dataclasses.asdict(config)
    if stage not in _SECTIONS:
        return dataclasses.asdict(getattr(config, stage))
    found = {name: dataclasses.asdict(getattr(config, name)) for name in _SECTIONS[stage]}
    if stage != "classes":
        for section, names in _ONLY_SHOWN.items():
            for name in names:
                found.get(section, {}).pop(name, None)
    if by_cuml(stage, config):
        found.setdefault("embedding", {})["device"] = config.embedding.device
    else:
        found.get("embedding", {}).pop("device", None)
    return found


def part_settings_of(stage: str, config: Config) -> dict[str, Any]:
    """The settings that each part of a stage depends on: more parts leave those that are there."""
    found = settings_of(stage, config)
    for name in _HOW_MANY.get(stage, ()):
        del found[stage][name]
    return found


def outside_of(stage: str, context: Context) -> dict[str, str]:
    """What a stage's files depend on beside settings and other stages."""
    if stage == "sources":
        return {"input": context.fingerprint}
    if stage == "representations":
        by = _encoded_by(stage, context, context.encoder, context.contract) or {"encoder": "given"}
        return {"input": context.fingerprint, **by}
    if stage == "second":
        return _encoded_by(stage, context, context.second_encoder, context.second_contract)
    if stage == "products":
        return {**answers_digest(context.folder.path), "products": str(publish.FORMAT)}
    if stage == "classes" and context.config.classes.previous:
        return {"previous": file_digest(classes_file(context.config.classes.previous))}
    return {}


def _encoded_by(
    stage: str, context: Context, encoder: Encoder | None, contract: Contract | None
) -> dict[str, str]:
    if encoder is None or contract is None:
        return {}
    kept = {"kept": f"{contract.kept:.6g} px"} if contract.kept else {}
    computed = computed_by(device_of(stage, context.config))
    return {"encoder": encoder.sha256, **kept, **computed}


def classes_file(run: str | Path) -> Path:
    """Where a run keeps its classes.

    Raises
    ------
    ConfigError
        It has none.
    """
    path = Path(run) / "classes" / "classes.json"
    if not path.is_file():
        raise ConfigError(
            f"classes.previous = {run}: no {path}; expected the folder of a finished run"
        )
    return path


def warnings(context: Context) -> list[str]:
    """What a user must know of how the input was read and searched."""
    found = list(context.survey.notes)
    counts = {s: _counts(context, s) for s in ("representations", "neighbors", "embedding")}
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
        found.append(
            f"{counts['neighbors']['copies']} sources have the very vector of another, as where a "
            "source is entered twice: one of each was searched, the others follow it into its "
            "class (neighbors/copies.parquet)."
        )
    if counts["neighbors"].get("recall", 1.0) < LOW_RECALL:
        found.append(
            f"The neighbor graph found only {counts['neighbors']['recall']:.0%} of the true "
            "neighbors: raise neighbors.exact_below to compare every pair."
        )
    found += _by_parts(context)
    found += [f"{gone.sentence}." for gone in _gone(context)]
    sides: dict[str, int] = counts["representations"].get("sides", {})
    return found + image_warnings(context, {int(side): n for side, n in sides.items()})


def _by_parts(context: Context) -> list[str]:
    """What is lost where a survey is too large to be held against featureless data as a whole."""
    config, n = context.config, distinct(context)
    part = surrogate_size(n, config)
    if part == n or not config.nulls.n:
        return []
    least = fewest(n / part, config.nulls.n, Q_BELOW)
    return [
        f"Each search of featureless data had {part:,} of {n:,} sources, so that a chance group "
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
        sides = _counts(context, "representations").get("sides", {})
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


def distinct(context: Context) -> int:
    """How many vectors are searched, each once, by what stages counted: nothing is read for it."""
    represented = _counts(context, "representations").get("represented", 0)
    return int(represented - _counts(context, "neighbors").get("copies", 0))


def _counts(context: Context, stage: str) -> dict[str, Any]:
    manifest = read_manifest(context.path(stage))
    return dict(manifest.counts) if manifest is not None else {}
