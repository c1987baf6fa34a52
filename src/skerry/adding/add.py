"""Another survey added to a finished run, in a folder of its own: only what is new is encoded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from skerry.adding.earlier import Earlier
from skerry.adding.fitting import require_encoded_alike, require_fitting, require_new
from skerry.building import FORMAT
from skerry.config import Config
from skerry.errors import ConfigError, RunError
from skerry.executors.executor import Executor
from skerry.pipeline import carry_through, prepare, require_gpu, status
from skerry.progress import OnEvent, silent
from skerry.reopening import reopened
from skerry.store import file_digest, read_manifest
from skerry.store.runfolder import CONFIG, open_folder, require_outside
from skerry.survey import open_survey

_TAKEN = ("representations", "neighbors", "second")
"""Stages of which files are taken."""


def add(
    run: str | Path,
    new: str | Path,
    output: str | Path,
    config: Config | None = None,
    *,
    threads: int = 0,
    executor: Executor | None = None,
    on_event: OnEvent = silent,
) -> dict[str, Any]:
    """Add another survey to a finished run: a new run, in the folder ``output``, on both together.

    The representations of ``run`` are taken from it, and where its graph is exact so are the
    neighbors of its sources, which are only compared with the new ones. What is found is searched
    and judged as in a run on both with ``classes.previous`` set to ``run``, and is the same. The
    same call after a kill goes on where it stopped; ``run`` itself is not changed.

    Parameters
    ----------
    new : another survey, a path or an address as ``skerry.run`` takes one, read with the settings
        of ``run``
    config : None for the settings of ``run``; others may say how to search and to judge, but not
        how sources are read and represented
    threads, executor : as of ``skerry.run``

    Returns
    -------
    dict
        As :func:`skerry.pipeline.run`, with ``previous`` (path) and ``new``, how many sources are
        in ``run`` (``before``) and ``new``.

    Raises
    ------
    RunError
        The run has not ended, was made by another version of skerry, or is damaged.
    InputError
        Nothing is new, a source is in the run already, the new survey is not like the run's, or
        the run's own input is not what it was.
    ConfigError
        The settings are of another representation, or the folder lies in the run.
    SkerryError
        As :func:`skerry.pipeline.run`.
    """
    run, output = Path(run), Path(output)
    _require_usable(run)
    if output.resolve() == run.resolve():
        raise ConfigError(
            f"-o {output} is the folder of the run that {new} is to be added to; a run is left as "
            "it is: choose a new folder"
        )
    require_outside(output, run, option="-o")
    before = reopened(run, threads=threads)
    settings = _settings(run, before.config, config)
    require_gpu(settings, "representations", "neighbors", "embedding")
    survey = open_survey(new, settings.sources)
    require_new(before.survey, survey, run)
    require_fitting(before, survey, run)
    folder = open_folder(run)
    context = prepare(
        folder.input,
        output,
        settings,
        threads,
        executor,
        on_event,
        (*folder.added, new),
        Earlier(run),
    )
    require_encoded_alike(context, run)
    with context.folder.locked():
        found = carry_through(context)
    counts = {"before": len(before.survey), "new": len(survey)}
    return {**found, "previous": str(run), "sources": counts}


def _require_usable(run: Path) -> None:
    """That a run has ended, by this version of skerry, and that what is taken of it is whole."""
    folder = open_folder(run)
    again = (
        f"start 'skerry add' as it was, with -o {run}"
        if folder.added
        else f"start 'skerry run {folder.input} -o {run} -c {run / CONFIG}' again"
    )
    for name in ("sources", "representations", "neighbors", "classes"):
        manifest = read_manifest(run / name)
        made = manifest.inputs.get("format", "") if manifest is not None else str(FORMAT)
        if made != str(FORMAT):
            raise RunError(
                f"the run in {run} was made in format {made}, by another version of skerry; "
                f"expected format {FORMAT}: {again}, which brings it up to date"
            )
    waiting = [k for k, stage in status(run)["stages"].items() if stage["state"] != "done"]
    if waiting:
        raise RunError(
            f"the run in {run} has not ended ({', '.join(waiting)} missing or out of date); "
            f"expected a finished one: {again}"
        )
    for name in _TAKEN:
        manifest = read_manifest(run / name)
        for file, sha256 in manifest.outputs.items() if manifest is not None else ():
            path = run / name / file
            if file_digest(path) != sha256:
                raise RunError(
                    f"{path} is not what the run wrote (another SHA-256): {again}, which makes it "
                    "again"
                )


def _settings(run: Path, of_run: Config, config: Config | None) -> Config:
    """The settings of the new run.

    Raises
    ------
    ConfigError
        Sources would be read or represented otherwise than in the run.
    """
    wanted = config or of_run
    for name in ("sources", "representations"):
        mine, its = getattr(wanted, name), getattr(of_run, name)
        differ = [key for key, value in vars(its).items() if getattr(mine, key) != value]
        differ = [key for key in differ if key != "max_failed"]
        if differ:
            key = differ[0]
            raise ConfigError(
                f"{name}.{key} is {getattr(mine, key)!r}, that of the run in {run} "
                f"{getattr(its, key)!r}; new sources are read and represented as the run's were: "
                "leave it out, or make a run on all of them by 'skerry run'"
            )
    return replace(wanted, classes=replace(wanted.classes, previous=str(run.resolve())))
