"""What a search would have found: classes planted in the survey of a finished run, searched for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from skerry.config import digest
from skerry.discover.assemble import must_stand_out
from skerry.discover.checks import Q_BELOW
from skerry.discover.elsewhere import on_gpu, search_each
from skerry.discover.separation import Separation, separation
from skerry.discover.surrogates import surrogate_size
from skerry.errors import RunError
from skerry.executors.local import Local
from skerry.progress import OnEvent, silent
from skerry.recovering.curve import Point, limit, point
from skerry.recovering.opened import Opened, open_run
from skerry.recovering.parts import Part, read_part, read_separation, write_part
from skerry.recovering.planters import Plan, Planter
from skerry.recovering.result import Recovery, write_results
from skerry.recovering.schedule import Schedule, schedule_of
from skerry.recovering.search import Outcome, look_for
from skerry.store import nouns
from skerry.store.addresses import is_address
from skerry.store.manifest import versions
from skerry.store.runfolder import LOCK, RunFolder, clear, open_folder
from skerry.types import FloatArray

FORMAT = 1
"""Raised whenever a part would hold other bytes for the same run and settings."""

PREVALENCES = (0.0005, 0.001, 0.002, 0.005, 0.01)
REALIZATIONS = 20
PARTS = "parts"
_SEPARATED = 0
"""The realization whose sources are held against the survey's own."""


def recover(
    run: str | Path,
    plan: Plan,
    output: str | Path,
    *,
    prevalences: Sequence[float] = PREVALENCES,
    visibilities: Sequence[float] = (1.0,),
    realizations: int = REALIZATIONS,
    seed: int = 0,
    threads: int = 0,
    on_event: OnEvent = silent,
) -> Recovery:
    """Plant a class in the survey of a finished run, search again, and tell how often it is found.

    Every realization draws new sources, and new ordinary ones for its control; the prevalences
    of one take the first of the same sources. Each is a file of its own in ``output``, so that
    the same call after a kill makes only what is missing, and more realizations keep those there.
    The results do not depend on ``threads``, nor on the order of the survey's rows.

    Parameters
    ----------
    run : folder of a finished run
    plan : what to plant: ``copies``, ``of_kind(...)`` or ``of_images(...)``
    output : folder for the results, new or that of an earlier recovery
    prevalences : shares of the sources then searched, each above 0 and below a half
    visibilities : each above 0, at most 1; what that means is the planter's
    realizations : how many; publish 20 or more

    Raises
    ------
    SkerryError
        The run, the settings or the folder cannot be used, or what is to be planted cannot be
        shown to the run's encoder; before any search.
    """
    opened = open_run(run)
    schedule = schedule_of(opened, prevalences, visibilities, realizations, seed)
    folder = claimed(Path(output), opened)
    planter = plan(opened)
    _require_same(folder.path, planter)
    with folder.locked():
        paths = {folder.path / PARTS / part.name: part for part in schedule.parts}
        _make_missing(opened, planter, schedule, paths, threads, on_event)
        found = _gathered(opened, planter, schedule, folder.path)
        on_event("writing the results", 0, 1)
        write_results(found, {part: folder.path / PARTS / part.name for part in schedule.parts})
        on_event("writing the results", 1, 1)
    return found


def claimed(output: Path, opened: Opened) -> RunFolder:
    """The folder of the results: new, empty, or that of an earlier recovery.

    Raises
    ------
    RunError
        It holds something else, or lies within the run or the survey.
    """
    inputs = open_folder(opened.path).inputs
    sources = [Path(path) for path in inputs if not is_address(path)]
    for taken in (opened.path.resolve(), *sources):
        if output.resolve().is_relative_to(taken):
            raise RunError(f"{output} is part of {taken}; choose a folder outside it with -o")
    if output.exists() and not output.is_dir():
        raise RunError(f"{output} is a file; give a folder for the results with -o")
    held = {p.name for p in output.iterdir()} - {LOCK} if output.is_dir() else set()
    if held and PARTS not in held:
        raise RunError(f"{output} holds something else than a recovery; choose another with -o")
    return RunFolder(output, str(opened.path))


def _require_same(folder: Path, planter: Planter) -> None:
    """That the results in a folder, where it has any, are of what is planted now."""
    path = folder / "recovery.json"
    if not path.is_file():
        return
    try:
        before = json.loads(path.read_text(encoding="utf-8"))["planted"]
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"{path} is damaged, so that it does not say which class was planted: delete it, if "
            "it was this one, and all that was searched is kept; or choose another folder with -o"
        ) from error
    if before != planter.name:
        raise RunError(
            f"{folder} holds the recovery of another class ({before}; now: {planter.name}); "
            "choose another folder with -o"
        )


def _make_missing(
    opened: Opened,
    planter: Planter,
    schedule: Schedule,
    paths: dict[Path, Part],
    threads: int,
    on_event: OnEvent,
) -> None:
    """Make each part that was not made from the same run with the same settings before."""
    shared = digest(
        FORMAT, versions(()), opened.identity, planter.identity, list(schedule.sizes.items())
    )
    keys = {path: _key(shared, part, schedule.seed) for path, part in paths.items()}
    folder = next(iter(paths)).parent
    # those of other visibilities, and of more realizations, stay for when they are asked for
    clear(folder, keep=set(folder.glob("[!.]*.parquet")))
    missing = [path for path in sorted(paths) if nouns.part_key(path) != keys[path]]
    told, total = "planting and searching", len(paths)
    on_event(told, total - len(missing), total)

    def keep(path: Path, found: _Looked) -> None:
        write_part(path, paths[path], *found, keys[path])

    opened.space.forget_search()  # each looks in a space of its own
    plans = _Planted({path: paths[path] for path in missing}, planter, schedule)
    task = LooksFor(opened, dict(schedule.sizes))
    gpu = on_gpu(opened.config)
    done = search_each(task, plans, keep, executor=Local(), threads=threads, on_gpu=gpu)
    for made in done:
        on_event(told, total - len(missing) + made, total)


def _key(shared: str, part: Part, seed: int) -> str:
    return digest(shared, part.visibility, part.realization, seed)


_Looked = tuple[list[tuple[float, Outcome]], Separation | None]


@dataclass(frozen=True)
class LooksFor:
    """Looks for planted sources, the first ``sizes`` of them for each prevalence; and, where that
    is asked, how far they lie apart. Wherever it is called."""

    opened: Opened
    sizes: Mapping[float, int]

    def __call__(self, planted: tuple[FloatArray, bool]) -> _Looked:
        drawn, measured = planted
        outcomes = [(p, look_for(drawn[:n], self.opened)) for p, n in self.sizes.items()]
        return outcomes, separation(drawn, self.opened.space.vectors) if measured else None


@dataclass(frozen=True)
class _Planted(Mapping[Path, tuple[FloatArray, bool]]):
    """The sources of each part, drawn when they are asked for."""

    parts: dict[Path, Part]
    planter: Planter
    schedule: Schedule

    def __getitem__(self, path: Path) -> tuple[FloatArray, bool]:
        part, most = self.parts[path], max(self.schedule.sizes.values())
        control = part.visibility is None
        seed = _seed_of(self.schedule.seed, part.realization, control)
        drawn = (
            self.planter.control(most, seed)
            if part.visibility is None
            else self.planter.draw(most, part.visibility, seed)
        )
        return drawn, part.realization == _SEPARATED

    def __iter__(self) -> Iterator[Path]:
        return iter(self.parts)

    def __len__(self) -> int:
        return len(self.parts)


def _seed_of(seed: int, realization: int, control: bool) -> int:
    """A seed of its own for each draw; all visibilities of a realization share one."""
    return int(np.random.SeedSequence([seed, realization, int(control)]).generate_state(1)[0])


def _gathered(opened: Opened, planter: Planter, schedule: Schedule, folder: Path) -> Recovery:
    kinds: list[float | None] = [*schedule.visibilities, None]
    points, apart = [], {}
    for v in kinds:
        files = [folder / PARTS / Part(v, i).name for i in range(schedule.realizations)]
        parts = [read_part(path) for path in files]
        points += [
            point(v, p, n, [part[i] for part in parts])
            for i, (p, n) in enumerate(schedule.sizes.items())
        ]
        points += [
            Point(v, p, n, unreachable=reason) for p, (n, reason) in schedule.unreachable.items()
        ]
        apart[v] = read_separation(files[_SEPARATED])
    limits = [limit(v, _reachable(points, v)) for v in schedule.visibilities]
    return Recovery(
        path=folder,
        planted=planter.name,
        optimistic=planter.optimistic,
        searched=len(opened),
        points=tuple(sorted(points, key=_place)),
        limits=tuple(limits),
        separations=apart,
        notes=(*planter.notes, *_left_out(opened), *_few_nulls(opened)),
    )


def _reachable(points: Sequence[Point], visibility: float | None) -> list[Point]:
    return [p for p in points if p.visibility == visibility and not p.unreachable]


def _place(p: Point) -> tuple[bool, float, float]:
    return p.visibility is None, p.visibility or 0.0, p.prevalence


def _left_out(opened: Opened) -> tuple[str, ...]:
    if not opened.config.replication.encoder:
        return ()
    return (
        "The run also holds its classes against a second encoder; that check is left out here, so "
        "that the shares found are upper bounds.",
    )


def _few_nulls(opened: Opened) -> tuple[str, ...]:
    n, part = opened.config.nulls.n, surrogate_size(len(opened), opened.config)
    least = must_stand_out(len(opened), opened.config)
    if least == 1:
        return ()
    return (
        f"The run searched featureless data {n} times of each kind, {part:,} sources each, by "
        f"which a class is confirmed only where {least} or more stand out as it does: a planted "
        "one counts as missed where the survey has too few others. A run with nulls.n = "
        f"{round(len(opened) / part / Q_BELOW)} or more would confirm it alone.",
    )
