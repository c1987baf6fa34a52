"""New sources, read and encoded as a run's were, and placed into its classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from skerry.config import Config
from skerry.context import Context
from skerry.discover.assign import Assigner
from skerry.errors import ConfigError, InputError
from skerry.notices import image_warnings
from skerry.progress import OnEvent
from skerry.represent.encode import encode, given, join
from skerry.store import read_manifest
from skerry.store.runfolder import RunFolder
from skerry.survey import open_survey
from skerry.types import RareClass, Representations
from skerry.using.tables import ASSIGNED_SCHEMA


@dataclass(frozen=True)
class Placed:
    """New sources placed into the classes of a run.

    ``sources``: ``ASSIGNED_SCHEMA``, in the order of the input (by id where it is images in
    files). ``classes``: of each class ``class_id``, ``verdict``, how many were ``placed``, and
    ``kept`` and ``false_rate`` (``discover.assign.Calibrated``). ``warnings``: what a user must
    know of how the input was read.
    """

    sources: pa.Table
    classes: list[dict[str, Any]]
    warnings: list[str]


def open_new(
    run: Path, new: Path, of_run: Config, config: Config | None, threads: int, on_event: OnEvent
) -> Context:
    """Another survey, opened and found fit to be compared with a run's; nothing is encoded yet.

    Parameters
    ----------
    of_run : the run's settings
    config : those for the new survey; None: the run's

    Raises
    ------
    ConfigError
        The settings differ in more than how a survey is read.
    InputError
        The survey cannot be read, or was or would be represented otherwise than the run.
    ContractError
        The images are not what the encoder expects.
    """
    config = config or of_run
    _require_same_search(run, of_run, config)
    survey = open_survey(new, config.sources)
    context = Context(RunFolder(run, str(new)), survey, config, on_event, threads)
    made = read_manifest(run / "representations")
    before = made.inputs.get("encoder") if made else None
    now = context.encoder.sha256 if context.encoder else "given"
    if before != now:
        raise InputError(
            f"the run in {run} was made from {_what(before)}, {new} would be from {_what(now)}: "
            "these cannot be compared; give what the run was given, or make the run again with "
            "the encoder there is now"
        )
    _ = context.contract
    return context


def _require_same_search(run: Path, of_run: Config, config: Config) -> None:
    mine, theirs = config.representations, of_run.representations
    allowed = replace(theirs, crop=mine.crop, accept=mine.accept)
    if config != replace(of_run, sources=config.sources, representations=allowed):
        raise ConfigError(
            "of new sources only sources.*, representations.crop and representations.accept can "
            f"be set; all else is as in the run in {run}"
        )


def require_dimensions(context: Context, dimensions: int) -> None:
    """Check that given vectors have as many dimensions as the run's.

    Raises
    ------
    InputError
        They do not.
    """
    if context.encoder is not None:
        return
    found = context.survey.vectors(slice(0, 1))[0].shape[1]
    if found != dimensions:
        raise InputError(
            f"the vectors of {context.survey.path} have {found} dimensions; expected "
            f"{dimensions}, as in the run in {context.folder.path}: give vectors of the encoder "
            "that made those"
        )


def place(
    context: Context, of_run: Config, classes: Sequence[RareClass], assigner: Assigner
) -> Placed:
    """Represent the sources of an opened survey and place them."""
    data = _represented(context)
    context.on_event("placing", 0, len(data))
    table = _table(assigner, [rare.class_id for rare in classes], data, context.survey.sources)
    context.on_event("placing", len(data), len(data))
    sides, counts = np.unique(data.sides[data.sides > 0], return_counts=True)
    warnings = [
        *context.survey.notes,
        *carried(of_run, context),
        *image_warnings(context, dict(zip(sides.tolist(), counts.tolist(), strict=True))),
    ]
    given_to = table["class_id"].to_pylist()
    calibration = [
        {
            "class_id": rare.class_id,
            "verdict": rare.verdict,
            "placed": given_to.count(rare.class_id),
            "kept": known.kept,
            "false_rate": known.false_rate,
        }
        for rare, known in zip(classes, assigner.classes, strict=True)
    ]
    return Placed(table, calibration, warnings)


def _what(encoder: str | None) -> str:
    return "given representations" if encoder == "given" else f"images by the encoder {encoder}"


def _represented(context: Context) -> Representations:
    survey, settings = context.survey, context.config.representations
    total, size = len(survey.sources), settings.shard_size
    shards = [range(s, min(s + size, total)) for s in range(0, total, size)]

    def told(done: int) -> None:
        context.on_event("encoding", done, total)

    stream = (
        given(survey, shards, on_event=told)
        if context.encoder is None
        else encode(
            survey, context.encoder, shards, contract=context.contract, crop=settings.crop,
            threads=context.threads, on_event=told,
        )
    )  # fmt: skip
    return join([part for _, part in stream])


def _table(
    assigner: Assigner, class_ids: Sequence[str], data: Representations, sources: pa.Table
) -> pa.Table:
    """``ASSIGNED_SCHEMA`` in the order of the sources, failures where they stood."""
    told = assigner.assign(data.vectors)
    names = np.array([*class_ids, ""], dtype=object)
    failed = len(data.failures)
    columns = {
        "id_str": [*data.id_str, *(f.id_str for f in data.failures)],
        "class_id": [*names[told.label], *[""] * failed],
        "p_value": [*told.p_value.tolist(), *[None] * failed],
        "nearest_class": [*names[told.nearest], *[""] * failed],
        "distance_ratio": [*told.distance.tolist(), *[None] * failed],
        "failure": [*[None] * len(data), *(f.reason for f in data.failures)],
    }
    row = {name: i for i, name in enumerate(columns["id_str"])}
    order = [row[name] for name in sources["id_str"].to_pylist()]
    return pa.table(columns, schema=ASSIGNED_SCHEMA).take(pa.array(order, pa.int64()))


def carried(of_run: Config, context: Context) -> list[str]:
    """What was set of the run's images and is taken to hold of the new ones."""
    if context.encoder is None:
        return []
    mine = context.config
    pairs = {
        "sources.pixel_scale": (of_run.sources.pixel_scale, mine.sources.pixel_scale),
        "sources.bands": (of_run.sources.bands, mine.sources.bands),
        "sources.stretch": (of_run.sources.stretch, mine.sources.stretch),
        "representations.crop": (of_run.representations.crop, mine.representations.crop),
    }
    same = [f"{key} = {value}" for key, (value, now) in pairs.items() if value and value == now]
    if not same:
        return []
    return [f"The new images are taken to be as the run's: {', '.join(same)}. If not, set anew."]
