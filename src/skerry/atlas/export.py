"""The atlas as a folder: a page that opens from disk, without a server."""

from __future__ import annotations

import base64
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from skerry.atlas.api import Api
from skerry.atlas.assets import NAMES, asset, page
from skerry.atlas.chart import Chart
from skerry.atlas.painting import paint_whole
from skerry.atlas.reviewing import standing
from skerry.errors import ConfigError, InputError
from skerry.publish.sheets import SECTIONS
from skerry.store import write_bytes, write_text
from skerry.types import IntArray

MOST = 50_000
"""Sources drawn as points; of more the sea is one image, and only members are points."""

_DATA = "data.js"
_CUTOUTS = "cutouts"


def export(chart: Chart, folder: Path) -> list[Path]:
    """Write the atlas as ``index.html`` and what it loads, all in one folder; the files written.

    No reviews can be made in it and no similar sources found, and it says so. Cutouts are those of
    the galleries of the classes that were kept and of the first ``SECTIONS``; there are none, and
    it says why, where the run's input is gone or changed. The same run gives the same bytes.

    Raises
    ------
    ConfigError
        The folder holds something that is no atlas.
    InputError
        No source has a place on the map.
    DiskError
        The folder cannot be written.
    """
    folder = Path(folder)
    _require_own(folder)
    if gone := chart.why_gone():
        chart = replace(chart, cutout=None, no_images=gone)
    api = Api(chart)
    written = [folder / "index.html", folder / _DATA]
    shutil.rmtree(folder / _CUTOUTS, ignore_errors=True)
    classes = {
        rare.class_id: api.class_of(rare.class_id)
        for i, rare in enumerate(chart.classes)
        if rare.verdict != "rejected" or i < SECTIONS
    }
    cutouts = _write_cutouts(chart, classes, folder)
    written += [folder / path for path in cutouts.values()]
    for name in NAMES:
        found = asset(name)
        assert found is not None  # NAMES are those that there are
        write_bytes(folder / name, found[0])
        written.append(folder / name)
    data = json.dumps(_data(api, classes, cutouts), allow_nan=False, sort_keys=True)
    # parsed, as an object written out would take an id such as __proto__ for something else
    write_text(folder / _DATA, f"window.SKERRY = JSON.parse({json.dumps(data)});\n")
    write_text(folder / "index.html", page(data=_DATA))
    return sorted(written)


def _require_own(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file; give a folder for the atlas with -o")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / _DATA).is_file():
        raise ConfigError(
            f"{folder} holds something that is no atlas; give a new or empty folder with -o"
        )


def _write_cutouts(
    chart: Chart, classes: dict[str, dict[str, Any]], folder: Path
) -> dict[str, str]:
    """Write the cutouts of the galleries; their paths by id. Those that cannot be read are left
    out."""
    shown = dict.fromkeys(m["id"] for found in classes.values() for m in found["gallery"])
    paths: dict[str, str] = {}
    for id_str in shown if chart.cutout is not None else ():
        try:
            data = chart.cutout(id_str) if chart.cutout else b""
        except InputError:
            continue
        # an id may be no name of a file
        paths[id_str] = f"{_CUTOUTS}/{len(paths):05d}.jpg"
        write_bytes(folder / paths[id_str], data)
    return paths


def _data(api: Api, classes: dict[str, dict[str, Any]], cutouts: dict[str, str]) -> dict[str, Any]:
    chart, n = api.chart, len(api.sea)
    members = api.members()
    rows = np.sort(api.sea.rows) if n <= MOST else np.array(members["row"], np.int64)
    image = b"" if n <= MOST else paint_whole(api.sea)
    gone = f"{reason} " if (reason := chart.why_gone()) else ""
    drawn = f"the {len(rows):,} points drawn" + ("" if n <= MOST else ", members of classes")
    run = {
        **api.run(),
        "version": "",
        "can_review": False,
        "can_similar": False,
        "note": f"{gone}This copy opens without a server: it has the cutouts of the galleries "
        "only, classes cannot be reviewed and similar sources not be found. The lasso selects "
        f"among {drawn}. 'skerry serve' has all of it.",
    }
    points = _points(api, rows)
    return {
        "run": run,
        "members": members,
        "points": points,
        "sea": {"image": _uri(image)} if image else {"x": points["x"], "y": points["y"]},
        "classes": classes,
        "cutouts": cutouts,
        "reviews": {**standing(chart), "last": None},
        "images": chart.cutout is not None,
    }


def _points(api: Api, rows: IntArray) -> dict[str, Any]:
    chart = api.chart
    unit = np.round(api.sea.unit[rows], 6)
    told = [chart.source(int(row)) for row in rows]
    return {
        "id": [one["id"] for one in told],
        "x": unit[:, 0].tolist(),
        "y": unit[:, 1].tolist(),
        "c": chart.label[rows].tolist(),
        **{name: [one[name] for one in told] for name in ("map", "ra", "dec")},
    }


def _uri(image: bytes) -> str:
    # a page from disk may not load images for WebGL by address, so that it carries this one
    return f"data:image/png;base64,{base64.b64encode(image).decode()}"
