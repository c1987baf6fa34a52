"""A finished run opened together with its input, as it was when the run was made."""

from __future__ import annotations

from pathlib import Path

from skerry.adding.joint import open_inputs
from skerry.context import Context
from skerry.errors import InputError
from skerry.progress import OnEvent, silent
from skerry.store import read_manifest
from skerry.store.runfolder import open_folder, read_config


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
            f"{' + '.join(folder.inputs)} is not what it was when {run} was made; run "
            f"{'skerry add' if folder.added else 'skerry run'!r} on it again"
        )
    return context
