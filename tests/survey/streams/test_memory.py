"""Images are never all in memory, whatever the form and the store."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from skerry.survey import open_survey, row_groups
from tests.survey.forms import Source, write_folder, write_hats, write_parquet, write_tars
from tests.survey.web_server import Web, serving

N, SIZE = 400, 100_000


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("large")
    noise = np.random.default_rng(0).bytes(SIZE + N)
    sources = [Source(f"g{i:03d}", 1.0, 2.0, noise[i : i + SIZE]) for i in range(N)]
    write_folder(root / "folder", sources)
    write_tars(root / "tars", sources, 50)
    write_parquet(root / "parquet", sources, 100, 10)
    write_parquet(root / "one group", sources, N, N)
    write_hats(root / "hats", sources, group=10)
    return root


@pytest.fixture(scope="module")
def web(root: Path) -> Iterator[str]:
    pytest.importorskip("aiohttp")
    with serving(Web(root)) as found:
        yield found.address


def held(place: str | Path, n: int = N) -> float:
    """Bytes held at most while n images are read, as images."""
    before = pa.default_memory_pool().max_memory()
    tracemalloc.start()
    survey = open_survey(place)
    count = sum(len(part) for part in survey.ahead(range(i, i + 8) for i in range(0, n, 8)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == n
    # Arrow's pool tells its peak since the start: it grows only where this took more than all else
    return (peak + max(0, pa.default_memory_pool().max_memory() - before)) / SIZE


@pytest.mark.parametrize("form", ["folder", "tars", "parquet", "one group", "hats"])
def test_a_few_images_at_a_time(root: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_groups, "WINDOW", 1 << 20)
    assert held(root / form) < N / 4


@pytest.mark.parametrize("form", ["folder", "tars", "parquet", "hats"])
def test_what_is_held_does_not_grow_with_what_is_read(web: str, form: str) -> None:
    first = held(f"{web}/{form}", N // 5)
    assert held(f"{web}/{form}") < first + N / 3
