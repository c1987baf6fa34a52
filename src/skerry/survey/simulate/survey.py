"""Plan a drawn survey, draw it and write it, so that half a survey is never taken for a whole."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from skerry.errors import ConfigError, DiskError, InputError
from skerry.store import write_text
from skerry.survey.simulate import artifacts, rare
from skerry.survey.simulate.field import draw_field
from skerry.survey.simulate.galaxy import draw
from skerry.survey.simulate.observe import add_noise, lupton, through_atmosphere
from skerry.survey.simulate.population import draw_galaxy, draw_seeing
from skerry.types import ByteArray

SEA = "sea"

CLASSES: dict[str, float] = {
    "ring": 0.015,
    "merger": 0.015,
    "one-armed-spiral": 0.0125,
    "satellite-trail": 0.01,
    "diffraction-spikes": 0.01,
}
"""The planted kinds, values of the column ``truth``, and the share of the survey each takes."""

_VERSION = 1
_QUALITY = 92
_COLUMNS = ("id_str", "file_loc", "ra", "dec", "truth")
_RA, _DEC = (150.0, 160.0), (0.0, 8.0)


def simulate(
    folder: Path,
    *,
    n: int = 2000,
    seed: int = 0,
    on_event: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """Draw a survey of galaxies with a few rare classes and artifacts planted in it.

    Parameters
    ----------
    folder : Path
        Where to write ``images/<id_str>.jpg`` (128 px, RGB), ``catalogue.csv`` with columns
        ``id_str``, ``file_loc`` (relative to ``folder``), ``ra``, ``dec`` (degrees, ICRS) and
        ``truth`` (``sea`` or a key of `CLASSES`), and the manifest ``simulate.json``. A complete
        survey of the same ``n`` and ``seed`` is kept as it is.
    n : int
        How many galaxies.
    seed : int
        Same seed, same bytes.
    on_event : callable
        Called with (done, total) after every image.

    Returns
    -------
    Path
        The catalog. It is written last: where it is missing, the survey is not complete.

    Raises
    ------
    ConfigError
        ``n`` is below 1 or ``seed`` below 0.
    InputError
        ``folder`` holds another catalog, or images of this one are gone.
    DiskError
        ``folder`` cannot be written.
    """
    if n < 1 or seed < 0:
        raise ConfigError(f"n = {n} and seed = {seed}: n must be 1 or more, seed 0 or more.")
    manifest = {"n": n, "seed": seed, "version": _VERSION}
    catalog = folder / "catalogue.csv"
    rows = plan(n, seed)
    try:
        if catalog.exists():
            _check_reusable(folder, manifest, rows)
            on_event(n, n)
            return catalog
        _write_images(folder / "images", rows, seed, on_event)
        write_text(folder / "simulate.json", json.dumps(manifest, indent=1) + "\n")
        write_text(catalog, _csv(rows))
    except OSError as error:
        raise DiskError(
            f"The survey cannot be written to {folder}: {error}. Free some space there or name "
            "another folder, then run again."
        ) from error
    return catalog


def plan(n: int, seed: int) -> list[dict[str, str]]:
    """Make the catalog's rows: kinds in shuffled order, positions uniform on a patch of sky."""
    rng = np.random.default_rng(seed)
    truth = [kind for kind, share in CLASSES.items() for _ in range(round(share * n))]
    truth += [SEA] * (n - len(truth))
    rng.shuffle(truth)
    ra = rng.uniform(*_RA, n)
    low, high = np.sin(np.radians(_DEC))  # uniform in area
    dec = np.degrees(np.arcsin(rng.uniform(float(low), float(high), n)))
    names = [f"DEMO-{i:06d}" for i in range(n)]
    return [
        {
            "id_str": names[i],
            "file_loc": f"images/{names[i]}.jpg",
            "ra": f"{ra[i]:.6f}",
            "dec": f"{dec[i]:.6f}",
            "truth": truth[i],
        }
        for i in range(n)
    ]


def draw_cutout(truth: str, rng: np.random.Generator) -> ByteArray:
    """Draw one cutout of a kind; uint8 (SIZE, SIZE, 3), RGB."""
    seeing = draw_seeing(rng)
    if truth == "ring":
        light = rare.ring(rng)
    elif truth == "merger":
        light = rare.merger(rng)
    elif truth == "one-armed-spiral":
        light = rare.one_armed(rng)
    else:
        light = draw(draw_galaxy(rng), rng)
    light = through_atmosphere(light + draw_field(rng, seeing), seeing)
    if truth == "satellite-trail":
        light = light + artifacts.satellite_trail(rng, seeing)
    elif truth == "diffraction-spikes":
        light = light + artifacts.saturated_star(rng, seeing)
    return lupton(add_noise(light, seeing, rng))


def _write_images(
    folder: Path, rows: list[dict[str, str]], seed: int, on_event: Callable[[int, int], None]
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("DEMO-*.jpg"):  # left by a survey that was killed
        stale.unlink()
    for done, (row, rng) in enumerate(zip(rows, _generators(seed, len(rows)), strict=True), 1):
        pixels = cv2.cvtColor(draw_cutout(row["truth"], rng), cv2.COLOR_RGB2BGR)
        _, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        (folder.parent / row["file_loc"]).write_bytes(encoded.tobytes())
        on_event(done, len(rows))


def _generators(seed: int, n: int) -> Iterator[np.random.Generator]:
    """One generator an image, so that no image depends on how another is drawn."""
    return (np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(n))


def _check_reusable(folder: Path, manifest: dict[str, int], rows: list[dict[str, str]]) -> None:
    try:
        found = json.loads((folder / "simulate.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        found = "no readable simulate.json"
    if found != manifest:
        raise InputError(
            f"{folder} already holds a catalog, made with {found}; asked for {manifest}. "
            "Name another folder, ask for the same n and seed, or delete this one."
        )
    missing = [row["file_loc"] for row in rows if not (folder / row["file_loc"]).exists()]
    if missing:
        raise InputError(
            f"{len(missing)} of the {len(rows)} images of {folder} are gone, first {missing[0]}. "
            "Delete its catalogue.csv and run again to have them drawn anew."
        )


def _csv(rows: list[dict[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
