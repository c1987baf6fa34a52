"""A chart of planted groups that needs no run, and a server on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from skerry.atlas import AtlasServer, Chart, chart_of, serve
from skerry.errors import InputError
from skerry.types import DoubleArray, RareClass

EVIL = "<script>alert(1)</script>"
N = 300


class TwoColumns:
    """A column of numbers and one of words."""

    def names(self) -> dict[str, list[str]]:
        return {"catalog": ["x", "side"]}

    def values(self, group: str, name: str) -> np.ndarray:
        if group != "catalog" or name not in ("x", "side"):
            raise InputError(f"there is no column {name!r} in {group!r}")
        x = places()[:, 0]
        return x if name == "x" else np.where(x < 0, "left", "right").astype(object)


def places() -> DoubleArray:
    """A normal sea of 280 and, at its right, a group of 20; one source has no place."""
    rng = np.random.default_rng(3)
    points = np.vstack([rng.normal(size=(N - 20, 2)), [6, 0] + 0.2 * rng.normal(size=(20, 2))])
    points[5] = np.nan
    return points


def rare(class_id: str, rows: range, rank: int, verdict: str) -> RareClass:
    members = tuple(name(i) for i in rows)
    return RareClass(
        class_id, rank, members, (1.0,) * len(rows), members[:3], 0.5, "graph", verdict
    )


def name(row: int) -> str:
    return EVIL if row == N - 1 else f"s{row:03d}"


@pytest.fixture(scope="session")
def chart() -> Chart:
    classes = (
        rare("SKR-A", range(N - 20, N), 1, "confirmed"),
        rare("SKR-B", range(10, 22), 2, "rejected"),
    )
    return Chart("made", tuple(name(i) for i in range(N)), places(), classes, columns=TwoColumns())


@pytest.fixture(scope="session")
def served(chart: Chart) -> Iterator[AtlasServer]:
    server = serve(chart)
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def reviewed(judged: Path, tmp_path: Path) -> Iterator[AtlasServer]:
    """A server on a copy of a finished run, which can be reviewed."""
    import shutil

    run = tmp_path / "run"
    shutil.copytree(judged, run)
    server = serve(chart_of(run))
    yield server
    server.shutdown()
    server.server_close()
