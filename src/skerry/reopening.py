"""A finished run opened together with its input, as it was when the run was made."""

from __future__ import annotations

from functools import reduce
from pathlib import Path, PurePath

import pyarrow as pa
import pyarrow.compute as pc

from skerry.adding.joint import open_inputs
from skerry.context import Context
from skerry.errors import InputError
from skerry.progress import OnEvent, silent
from skerry.publish.words import count
from skerry.store import read_manifest, read_table
from skerry.store.encoded import read_failures
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
    before = read_table(run / "sources" / "sources.parquet").sort_by("id_str")
    now = survey.sources.sort_by("id_str")
    parts = []
    for these, those, said in ((before, now, "gone"), (now, before, "new")):
        names = these["id_str"].filter(
            pc.invert(pc.is_in(these["id_str"], value_set=those["id_str"].combine_chunks()))
        )
        if len(names):
            parts.append(f"{count(len(names), 'source')} {said}, as {names[0].as_py()!r}")
    if parts:
        return f"{' and '.join(parts)}: bring back what there was"
    same = [_same(before[name], now[name]) for name in before.column_names]
    other = now["id_str"].filter(pc.invert(reduce(pc.and_, same)))
    if len(other):
        return (
            f"{count(len(other), 'source')} with another position or image, as "
            f"{other[0].as_py()!r}: bring back what there was"
        )
    failures = read_failures(run / "representations" / "failures.parquet")
    failed = {PurePath(failure.location).parts for failure in failures}
    longest = max(map(len, failed), default=0)
    gone = [
        file
        for file in survey.missing()
        if not any(PurePath(file).parts[-n:] in failed for n in range(1, longest + 1))
    ]
    if gone:
        return f"{count(len(gone), 'file')} gone, as {gone[0]}: put what is gone back"
    return "a file was changed or replaced since: bring back the one that there was"


def _same(one: pa.ChunkedArray, other: pa.ChunkedArray) -> pa.ChunkedArray:
    """Where two columns say the same, or neither says anything."""
    both_null = pc.and_(pc.is_null(one), pc.is_null(other))
    return pc.or_(pc.fill_null(pc.equal(one, other), False), both_null)
