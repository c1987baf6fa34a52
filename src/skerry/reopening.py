"""A finished run opened together with its input, as it was when the run was made."""

from __future__ import annotations

from pathlib import Path

from skerry.adding.joint import open_inputs
from skerry.context import Context
from skerry.errors import InputError
from skerry.progress import OnEvent, silent
from skerry.publish.words import count
from skerry.store import read_manifest, read_table
from skerry.store.nouns import read_failures
from skerry.store.runfolder import open_folder, read_config
from skerry.survey import Survey


def reopened(run: Path, *, threads: int = 0, on_event: OnEvent = silent) -> Context:
    """A finished run with the survey that it was made from.

    That the run has ended is for the caller to see (``using.Finished``).

    Parameters
    ----------
    threads : how many encode, 0 for all; changes no result

    Raises
    ------
    RunError
        There is no run in the folder.
    InputError
        The run's input is not there any more, or is not what it was.
    """
    folder, config = open_folder(run), read_config(run)
    try:
        survey = open_inputs(folder.inputs, config.sources)
    except InputError as error:
        raise InputError(
            f"the run's input cannot be read now ({error}); put it back where the run found it: "
            f"{' + '.join(folder.inputs)}"
        ) from error
    context = Context(folder, survey, config, on_event, threads)
    made = read_manifest(run / "sources")
    if made is None or made.inputs.get("input") != context.fingerprint:
        raise InputError(
            f"{' + '.join(folder.inputs)} is not what it was when {run} was made: "
            f"{_difference(run, survey)}, or run "
            f"{'skerry add' if folder.added else 'skerry run'!r} on it again"
        )
    return context


def _difference(run: Path, survey: Survey) -> str:
    """What of an input is not as a run found it, and what to do of it."""
    before, now = read_table(run / "sources" / "sources.parquet"), survey.sources
    then, ids = (set(table["id_str"].to_pylist()) for table in (before, now))
    parts = [
        f"{count(len(names), 'source')} {said}, as {min(names)!r}"
        for names, said in ((then - ids, "gone"), (ids - then, "new"))
        if names
    ]
    if parts:
        return f"{' and '.join(parts)}: bring back what there was"
    rows = [table.sort_by("id_str").to_pylist() for table in (before, now)]
    other = [one["id_str"] for one, old in zip(*rows, strict=True) if one != old]
    if other:
        return (
            f"{count(len(other), 'source')} with another position or image, as {other[0]!r}: "
            "bring back what there was"
        )
    failed = tuple(f.location for f in read_failures(run / "representations" / "failures.parquet"))
    gone = [file for file in survey.missing() if not file.endswith(failed)]
    if gone:
        return f"{count(len(gone), 'file')} gone, as {gone[0]}: put what is gone back"
    return "a file was changed or replaced since: bring back the one that there was"
