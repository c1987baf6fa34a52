"""Scoring an encoder on a labeled folder: images in, one table of measured numbers out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from skerry.errors import InputError
from skerry.progress import OnEvent, silent
from skerry.publish.score_figure import score_figure
from skerry.represent.encoder import Encoder
from skerry.represent.score import labels as labeled
from skerry.represent.score import measure, notes
from skerry.represent.score.controls import untrained
from skerry.represent.score.images import Images, many_twins, read_images, require_apart
from skerry.represent.score.invariance import N_VIEWS
from skerry.represent.score.result import ENCODER, VIEWS, Row
from skerry.represent.score.retrieval import ARTIFACTS, scorable
from skerry.represent.score.tables import tables
from skerry.represent.score.votes import from_heads
from skerry.represent.score.ways import Embed, ways
from skerry.represent.trees.schema import Schema
from skerry.store import write_bytes, write_text
from skerry.survey import Survey, open_survey

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Score:
    """What was measured of one encoder on one folder.

    ``n`` galaxies were encoded and ``failed`` could not be. ``fit`` and ``artifacts`` are names
    of folders, empty without them; ``notes`` are what a reader must know of the numbers.
    """

    encoder: str
    sha256: str
    folder: str
    fit: str
    artifacts: str
    n: int
    failed: int
    views: int
    seed: int
    rows: tuple[Row, ...]
    notes: tuple[str, ...]

    def markdown(self) -> str:
        """All tables, as ``scores.md`` holds them."""
        head = [
            f"# Scores of {self.encoder} on {self.folder}",
            "",
            f"Encoder SHA-256 `{self.sha256}`; {self.n} galaxies; seed {self.seed}. Values with "
            "95% intervals: percentile bootstrap, 2000 resamples of the galaxies or queries, "
            "where not said otherwise.",
            "",
            *(f"- {note}" for note in self.notes),
        ]
        return "\n".join([*head, "", tables(self.rows)])

    def write(self, output: Path) -> None:
        """Write ``scores.json``, ``scores.md`` and ``scores.png`` to a folder.

        Raises
        ------
        DiskError
            The folder cannot be written.
        """
        write_text(output / "scores.json", json.dumps(asdict(self), indent=1) + "\n")
        write_text(output / "scores.md", self.markdown())
        write_bytes(output / "scores.png", score_figure(self.rows))


def score(
    folder: Path,
    encoder: Encoder,
    *,
    fit: Path | None = None,
    artifacts: Path | None = None,
    controls: bool = True,
    views: int = N_VIEWS,
    seed: int = 0,
    threads: int = 0,
    on_event: OnEvent = silent,
) -> Score:
    """Measure a representation on labeled galaxies that its encoder never saw.

    Parameters
    ----------
    folder
        A survey whose catalog has vote fractions (``{question}_{answer}_fraction``), a column
        ``label``, or columns of 0 and 1.
    fit
        Galaxies with images and vote fractions, missing for some, that a ridge regression is
        fitted on; none of them may be in ``folder``. Without it only heads predict votes.
    artifacts
        A folder of at least 40 images that show artifacts.
    controls
        Whether an untrained network and principal components of the pixels stand beside.
    views
        8 adds vectors averaged over quarter turns and mirror images; 1 does not.
    threads
        How many encode, 0 for all; changes no number.

    Raises
    ------
    InputError
        A folder has no catalog or no usable images, ``artifacts`` or ``fit`` hold too few,
        ``fit`` shows a galaxy of ``folder``, or ``views`` is neither 1 nor 8.
    ContractError
        The images are not what the encoder expects.
    EncoderError
        Controls are asked for and PyTorch is missing.
    """
    if views not in (1, N_VIEWS):
        raise InputError(f"views is {views}; expected 1, or {N_VIEWS} to average over them too")
    survey = _open(folder)
    table = labeled.read_columns(survey)
    schema = labeled.schema_of(table.column_names)
    kinds = labeled.kinds(table)
    if fit is not None and schema is None:
        raise InputError(
            f"{folder} has no vote fractions of a known tree, so there is nothing to fit for; "
            "leave out the galaxies to fit on"
        )
    voted = None
    if fit is not None and schema is not None:
        voted = labeled.voted(_open(fit), schema)
    others = None if artifacts is None else _artifacts(artifacts)
    blank = untrained(encoder, seed) if controls else None

    with threadpool_limits(1):  # sums in one order, however many cores there are
        images = read_images(survey, encoder, range(len(survey)), threads, on_event)
        voters = aside = None
        apart: list[str] = []
        if voted is not None:
            voters = read_images(voted.survey, encoder, voted.rows, threads, on_event)
            apart = require_apart(voters, images)
        if others is not None:
            aside = read_images(others, encoder, range(len(others)), threads, on_event)
            _require_artifacts(len(aside.rows), artifacts)

        looks = ways(encoder, views, blank, images.pixels, seed, threads, on_event)
        found = {way: embed(images.pixels) for way, embed in looks.items()}
        vectors = {way: v for way, (v, _) in found.items()}
        here = {k: mask[images.rows] for k, mask in kinds.items()}
        enough = {k: mask for k, mask in here.items() if scorable(mask)}
        rows: list[Row] = []
        if schema is not None:
            fitted = None
            if voted is not None and voters is not None:
                votes = voted.fractions[voters.rows]
                fitted = _vectors_of(looks, voters, without=VIEWS), votes
            truth = labeled.fractions(table, schema)[images.rows]
            rows += _vote_rows(truth, schema, found, encoder.vote_columns, fitted, seed)
        rows += measure.retrieval(vectors, enough, seed)
        if aside is not None:
            rows += measure.of_artifacts(vectors, _vectors_of(looks, aside), seed)
        rows += measure.probes(vectors, enough, seed)
        twins = many_twins(images, seed, threads, on_event)
        changed = {c: {w: e(p)[0] for w, e in looks.items()} for c, p in twins.pixels.items()}
        rows += measure.invariance(vectors, changed, twins.chosen)
        rows += measure.dimensions(vectors)
    return Score(
        encoder=encoder.name,
        sha256=encoder.sha256,
        folder=folder.resolve().name,
        fit="" if fit is None else fit.resolve().name,
        artifacts="" if artifacts is None else artifacts.resolve().name,
        n=len(images.rows),
        failed=images.failed,
        views=views,
        seed=seed,
        rows=tuple(row for row in rows if row.finite),
        notes=(
            *apart,
            *notes.on_labels(here, labeled.incomplete(table), schema, fit is not None),
            *notes.on_rows(rows),
            *notes.on_images(images, twins),
            *notes.on_ways(encoder, looks),
        ),
    )


def _open(path: Path) -> Survey:
    survey = open_survey(path)
    if survey.kind == "vectors":
        raise InputError(f"{path} holds vectors; expected images, which the encoder is scored on")
    return survey


def _artifacts(folder: Path) -> Survey:
    survey = _open(folder)
    _require_artifacts(len(survey), folder)
    return survey


def _require_artifacts(found: int, folder: Path | None) -> None:
    if found < ARTIFACTS:
        raise InputError(
            f"{folder} holds {found} usable images of artifacts; expected at least {ARTIFACTS}"
        )


def _vectors_of(looks: Mapping[str, Embed], images: Images, without: str = "") -> dict[str, Floats]:
    return {way: embed(images.pixels)[0] for way, embed in looks.items() if way != without}


def _vote_rows(
    truth: Floats,
    schema: Schema,
    found: Mapping[str, tuple[Floats, Floats]],
    columns: tuple[str, ...],
    fitted: tuple[dict[str, Floats], Floats] | None,
    seed: int,
) -> list[Row]:
    """Vote errors on those galaxies that have votes."""
    told = ~np.isnan(truth).any(1)
    if not told.any():
        return []
    vectors = {way: v[told] for way, (v, _) in found.items()}
    heads = {
        way: from_heads(found[way][1][told], columns, schema)
        for way in (ENCODER, VIEWS)
        if way in found
    }
    return measure.vote_error(truth[told], schema, heads, vectors, fitted, seed)
