"""One run by several processes without a cluster: each encodes some shards, one gathers them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from skerry.building import STAGES, part_key, up_to_date
from skerry.config import Config
from skerry.context import Context
from skerry.encoding import Shards
from skerry.errors import ConfigError, RunError
from skerry.pipeline import carry_through, prepare, require_gpu
from skerry.progress import OnEvent, silent
from skerry.store import read_manifest
from skerry.store.manifest import NAME
from skerry.store.runfolder import CONFIG, claim, open_folder, read_config, remove

SOURCES, REPRESENTATIONS = (
    next(stage for stage in STAGES if stage.name == name) for name in ("sources", "representations")
)


def encode(
    input_path: str | Path,
    output: str | Path,
    config: Config | None = None,
    *,
    shards: str = ":",
    threads: int = 0,
    on_event: OnEvent = silent,
) -> dict[str, Any]:
    """Encode some shards of a run on ``input_path`` in the folder ``output``, and no more.

    Processes that are given other shards, on this machine or on others that see both folders, may
    do so at the same time; one that does the same shards does them twice, to the same bytes.

    Parameters
    ----------
    shards
        ``START:STOP``, without the last; either may be left out.

    Returns
    -------
    dict
        ``run`` (path), ``shards`` (how many the run has), ``encoded`` and ``kept`` (how many of
        those asked for were encoded now and before), ``failed`` (sources in them that could not
        be read), ``changed`` (whether the input is not what it was at the call before, so that
        what was encoded until then counts as missing).

    Raises
    ------
    ConfigError
        The shards are no range, or the run was begun with other settings.
    SkerryError
        As :func:`skerry.pipeline.run`, or ``run`` is at work in the folder.
    """
    start, stop = _range(shards)
    require_gpu(config or Config(), "representations")
    context = prepare(input_path, output, config, threads, None, on_event)
    folder = context.folder
    _ = context.fingerprint  # a look at every file, for which no other process is to wait
    with folder.locked(shared=True):
        with folder.beginning():
            _begin(context)
            before = read_manifest(context.path(SOURCES.name))
            found = _shards(context)
        total = len(found.rows)
        wanted = range(min(start, total), total if stop is None else min(stop, total))
        missing = found.missing(wanted)
        if missing:
            remove(context.path(REPRESENTATIONS.name) / NAME)  # the stage is no longer done
        folder.log("encode", shards=shards, missing=len(missing))
        failures = found.encode(wanted)
    return {
        "run": str(output),
        "shards": total,
        "encoded": len(missing),
        "kept": len(wanted) - len(missing),
        "failed": len(failures),
        "changed": before is not None and before.inputs["input"] != context.fingerprint,
    }


def gather(output: str | Path, *, threads: int = 0, on_event: OnEvent = silent) -> dict[str, Any]:
    """Take a run whose shards were encoded by :func:`encode` on to its classes.

    Returns
    -------
    dict
        As :func:`skerry.pipeline.run`.

    Raises
    ------
    RunError
        Shards are missing, which are named; nothing is searched then.
    SkerryError
        As :func:`skerry.pipeline.run`.
    """
    output = Path(output)
    folder, config = open_folder(output), read_config(output)
    require_gpu(
        config, "neighbors", "embedding", *(("second",) if config.replication.encoder else ())
    )
    context = prepare(folder.input, output, config, threads, None, on_event, folder.added)
    with folder.locked():
        found = _shards(context)
        missing = found.missing()
        if missing:
            spans, outdated = _spans(missing), found.outdated(missing)
            before = (
                f" ({len(outdated)} of them are there, of another state of the input or by other "
                "settings)"
            )
            raise RunError(
                f"{len(missing)} of {len(found.rows)} shards are not encoded in {output}"
                f"{before if outdated else ''}: {', '.join(spans)}; encode them by 'skerry encode "
                f"{folder.input} -o {output} -c {output / CONFIG} --shards {spans[0]}', or let "
                "'skerry run' do it"
            )
        return carry_through(context)


def _begin(context: Context) -> None:
    """Give a new folder its settings; one that was begun must have the same."""
    folder = context.folder
    claim(folder.path, folder.input)  # another process may have begun since
    if not (folder.path / CONFIG).exists():
        folder.write_config(context.config)
    elif read_config(folder.path) != context.config:
        raise ConfigError(
            f"the run in {folder.path} was begun with other settings; expected those of its "
            f"{CONFIG}: give them with -c {folder.path / CONFIG}, or choose another folder with -o"
        )


def _shards(context: Context) -> Shards:
    sources, _ = up_to_date(SOURCES, context, {})
    key = part_key(REPRESENTATIONS, context, {SOURCES.name: sources})
    return Shards(context, REPRESENTATIONS.name, key, context.encoder, context.contract)


def _range(text: str) -> tuple[int, int | None]:
    """The first shard and the one after the last, None for all that follow."""
    found = re.fullmatch(r"(\d*):(\d*)", text)
    start, stop = (int(part) if part else None for part in found.groups()) if found else (0, 0)
    if stop is not None and stop <= (start or 0):
        raise ConfigError(
            f"--shards is {text!r}; expected START:STOP with STOP, which is left out, above "
            "START, as 0:100"
        )
    return start or 0, stop


def _spans(numbers: list[int]) -> list[str]:
    """Ascending numbers as half-open ranges."""
    starts = [n for n in numbers if n - 1 not in set(numbers)]
    stops = [n + 1 for n in numbers if n + 1 not in set(numbers)]
    return [f"{start}:{stop}" for start, stop in zip(starts, stops, strict=True)]
