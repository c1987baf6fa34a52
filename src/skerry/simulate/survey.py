"""Draw a planned survey and write it, so that half a survey is never taken for a whole."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skerry.errors import ConfigError, DiskError
from skerry.executors.local import available_threads
from skerry.executors.processes import map_on_processes
from skerry.progress import OnEvent, silent
from skerry.simulate.catalog import header, row, to_csv
from skerry.simulate.folder import (
    CATALOG,
    IMAGES,
    MANIFEST,
    PARTS,
    SHEET,
    SKY,
    check_whole,
    claim,
    image_name,
    manifest_of,
    missing_shards,
    shards_of,
)
from skerry.simulate.footprint import Footprint
from skerry.simulate.plan import Planned, plan
from skerry.simulate.samples import sheet
from skerry.simulate.sky import Sky, sky_of, to_toml
from skerry.simulate.writing import image_bytes
from skerry.store import write_bytes, write_text
from skerry.store.runfolder import RunFolder

_BATCH = 50
"""Sources that a process draws at a time."""

_WORTH = 1000
"""From how many sources on to start processes: each takes some seconds to begin."""


@dataclass(frozen=True)
class Simulated:
    """A survey that is written: its ``catalog``, how many sources of each kind, how many were
    drawn by this call, and the ``seconds`` that their drawing took."""

    catalog: Path
    sky: Sky
    counts: Mapping[str, int]
    drawn: int
    seconds: float


def simulate(
    folder: Path,
    sky: str | Sky = "sdss",
    *,
    footprint: Footprint | None = None,
    threads: int = 0,
    on_event: OnEvent = silent,
) -> Simulated:
    """Draw a survey with rare kinds planted in it.

    Parameters
    ----------
    folder : Path
        Where to write ``images/0000/SIM-000000.jpg``... (or ``.fits``), ``sheet.jpg`` with a few
        sources of each kind, ``sky.toml`` with all settings, ``simulate.json``, and last
        ``catalogue.csv`` with the columns of :func:`skerry.simulate.catalog.columns`. What a
        call that was stopped left of the same survey is gone on with; a complete one is kept.
    sky : str or Sky
        A preset, the path of a ``.toml`` file, or a sky.
    footprint : Footprint
        The part of the sky that is surveyed.
    threads : int
        Processes that draw, 0 for one a core. They change no byte.
    on_event : callable
        Called with ("drawing", done, total).

    Raises
    ------
    ConfigError
        The sky cannot be drawn as a survey.
    RunError
        ``folder`` holds something else, another process writes it, or images are gone.
    DiskError
        ``folder`` cannot be written.
    """
    sky = sky_of(sky) if isinstance(sky, str) else sky
    _check_fits(sky)
    footprint = footprint or Footprint()
    sources = plan(sky, footprint)
    counts = dict(Counter(source.kind for source in sources))
    manifest = manifest_of(sky, footprint, counts)
    claim(folder, manifest)
    with RunFolder(folder, "").locked():
        try:
            drawn, seconds = _write(folder, sources, sky, manifest, threads, on_event)
        except OSError as error:
            raise DiskError(
                f"the survey cannot be written to {folder}: {error}; free some space or choose "
                "another folder, the same call goes on where it stopped"
            ) from error
    on_event("drawing", len(sources), len(sources))
    return Simulated(folder / CATALOG, sky, counts, drawn, seconds)


@dataclass(frozen=True)
class _Batch:
    """Sources to draw into a folder of images, which is named ``shard`` when it is whole."""

    sources: tuple[Planned, ...]
    folder: Path
    shard: str
    sky: Sky


def _write(
    folder: Path,
    sources: Sequence[Planned],
    sky: Sky,
    manifest: Mapping[str, Any],
    threads: int,
    on_event: OnEvent,
) -> tuple[int, float]:
    """Write what is missing of a survey; how many sources were drawn, in how many seconds."""
    shards = shards_of(sources)
    if (folder / CATALOG).exists():
        check_whole(folder, shards, sky)
        shutil.rmtree(folder / PARTS, ignore_errors=True)
        return 0, 0.0
    write_text(folder / SKY, to_toml(sky))
    write_text(folder / MANIFEST, json.dumps(manifest, indent=1) + "\n")
    missing = missing_shards(folder, shards)
    total = sum(len(planned) for planned in missing.values())
    done, started = len(sources) - total, time.perf_counter()
    for count in _draw(folder, missing, sky, threads):
        done += count
        on_event("drawing", done, len(sources))
    seconds = time.perf_counter() - started
    write_bytes(folder / SHEET, sheet(sources, sky))
    parts = [(folder / PARTS / f"{name}.csv").read_text(encoding="utf-8") for name in shards]
    write_text(folder / CATALOG, header(sky) + "".join(parts))
    shutil.rmtree(folder / PARTS)
    return total, seconds


def _draw(
    folder: Path, missing: Mapping[str, Sequence[Planned]], sky: Sky, threads: int
) -> Iterator[int]:
    """Draw shards, each to its folder of images and its part of the catalog; yields how many
    sources of one were drawn, as they are."""
    total = sum(len(planned) for planned in missing.values())
    processes = 1 if total < _WORTH else min(threads or available_threads(), total // _BATCH)
    rows: list[str] = []
    batches = list(_batches(folder, missing, sky))
    for batch, text in zip(batches, map_on_processes(_draw_batch, batches, processes), strict=True):
        rows.append(text)
        if batch.sources[-1] is missing[batch.shard][-1]:
            # its part first: a folder of images says that both are there
            write_text(folder / PARTS / f"{batch.shard}.csv", "".join(rows))
            os.replace(batch.folder, folder / IMAGES / batch.shard)
            rows = []
        yield len(batch.sources)


def _batches(folder: Path, missing: Mapping[str, Sequence[Planned]], sky: Sky) -> Iterator[_Batch]:
    for name, planned in missing.items():
        place = folder / IMAGES / f".{name}.part"
        for i in range(0, len(planned), _BATCH):
            yield _Batch(tuple(planned[i : i + _BATCH]), place, name, sky)


def _draw_batch(batch: _Batch) -> str:
    """Write the images of a batch; its rows of the catalog."""
    rows = []
    batch.folder.mkdir(parents=True, exist_ok=True)
    for source in batch.sources:
        drawn = source.drawn(batch.sky)
        name = image_name(source, batch.sky)
        (batch.folder / name).write_bytes(image_bytes(source, drawn, batch.sky))
        rows.append(row(source, drawn, batch.sky, f"images/{batch.shard}/{name}"))
    return to_csv(rows, batch.sky)


def _check_fits(sky: Sky) -> None:
    if sky.format != "fits":
        return
    if sky.scaling == "r90":
        raise ConfigError(
            "format is fits and scaling r90: FITS images say their pixel scale, and a survey has "
            'one. Set scaling = "fixed", or format = "jpeg"'
        )
    for band in sky.bands:
        if not (band.name.isascii() and band.name.isprintable() and len(band.name) <= 20):
            raise ConfigError(
                f"the band {band.name!r} cannot be named in a FITS header; expected up to 20 "
                "letters, digits and signs of ASCII"
            )
