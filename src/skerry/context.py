"""What the stages of one run share, and what each of them depends on."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from skerry.config import Config
from skerry.discover import in_canonical_order
from skerry.errors import InputError
from skerry.progress import OnEvent
from skerry.represent.contract import accepted, hold, in_words
from skerry.represent.encoder import Encoder, load
from skerry.store import nouns, read_manifest
from skerry.store.runfolder import RunFolder
from skerry.survey import Facts, Survey, facts, view
from skerry.types import ByteArray, Contract, Failure, Representations

VIEW_SIZE = 128
"""Side in pixels of the cutouts in sheets and report."""


@dataclass
class Context:
    """One run at work; each noun is read once, when first asked for."""

    folder: RunFolder
    survey: Survey
    config: Config
    on_event: OnEvent
    threads: int = 0

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
        """What the survey's images say of themselves."""
        return facts(self.survey, self.config.sources)

    @cached_property
    def contract(self) -> Contract | None:
        """The encoder's contract, held against the survey; None for representations.

        Raises
        ------
        ContractError
            The images are not what the encoder expects.
        """
        if self.encoder is None:
            return None
        settings = self.config.representations
        return hold(
            self.encoder.contract, self.facts, self.encoder.name, settings.crop, settings.accept
        )

    @cached_property
    def representations(self) -> Representations:
        """All representations in canonical order: by content, so that names do not matter."""
        self.on_event("putting in order", 0, 1)
        ordered = in_canonical_order(nouns.read_representations(self.path("representations")))
        self.on_event("putting in order", 1, 1)
        return ordered

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
                raise InputError(f"{raw.location} was readable before, now it is not: {raw.reason}")
            found[source["id_str"]] = view(
                raw, source["location"], VIEW_SIZE, contract, self.config.representations.crop
            )
        return found


def settings_of(stage: str, config: Config) -> dict[str, Any]:
    """The settings that a stage's files depend on."""
    if stage == "products":
        return dataclasses.asdict(config)
    return dataclasses.asdict(getattr(config, stage))


def outside_of(stage: str, context: Context) -> dict[str, str]:
    """What a stage's files depend on beside settings and other stages."""
    if stage == "sources":
        return {"input": context.fingerprint}
    if stage == "representations":
        encoder, contract = context.encoder, context.contract
        if encoder is None or contract is None:
            return {"input": context.fingerprint, "encoder": "given"}
        kept = {"kept": f"{contract.kept:.6g} px"} if contract.kept else {}
        return {"input": context.fingerprint, "encoder": encoder.sha256, **kept}
    return {}


def warnings(context: Context) -> list[str]:
    """What a user must know of how the input was read and searched."""
    found = list(context.survey.notes)
    counts = {s: _counts(context, s) for s in ("representations", "embedding")}
    if not counts["embedding"].get("spectral", True):
        found.append(
            "UMAP's spectral start failed, as it does where the graph falls into many parts; a "
            "seeded random start was used: groups may lie anywhere on the map."
        )
    contract = context.contract
    if contract is None:
        return found
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
    sides: dict[str, int] = counts["representations"].get("sides", {})
    unknown = {s: n for s, n in sides.items() if contract.crop_of(int(s)) is None}
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
    found = {"input": Path(context.folder.input).name}
    if encoder is None or contract is None:
        found["encoder"] = "none: representations were given"
    else:
        found["encoder"] = f"{encoder.name} (SHA-256 {encoder.sha256})"
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


def _counts(context: Context, stage: str) -> dict[str, Any]:
    manifest = read_manifest(context.path(stage))
    return dict(manifest.counts) if manifest is not None else {}
