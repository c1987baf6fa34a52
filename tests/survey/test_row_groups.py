"""Many Parquet files are read a part at a time, whatever the size of their row groups."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry.survey import open_survey, row_groups
from skerry.types import Failure
from tests.survey.forms import drawn, write_parquet

SOURCES = drawn(60)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_parquet(tmp_path_factory.mktemp("shards"), SOURCES, shard=25, group=1000)


@given(
    rows=st.lists(st.integers(0, 59), max_size=30),
    ordered=st.booleans(),
    window=st.integers(1, 60000),
)
def test_any_rows_of_large_groups(
    folder: Path, rows: list[int], ordered: bool, window: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_groups, "WINDOW", window)
        survey = open_survey(folder)
        asked = sorted(rows) if ordered else rows
        assert list(survey.images(asked)) == [SOURCES[i].image for i in asked]


def test_a_large_group_is_read_once_in_parts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_groups, "WINDOW", 10_000)
    began: list[dict[str, Any]] = []
    original = pq.ParquetFile.iter_batches

    def counted(self: Any, *args: Any, **given: Any) -> Any:
        began.append(given)
        return original(self, *args, **given)

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", counted)
    survey = open_survey(folder)
    largest = 0
    for start in range(0, 60, 7):
        rows = range(start, min(start + 7, 60))
        assert list(survey.images(rows)) == [SOURCES[i].image for i in rows]
        held = survey._reader._groups._held[1]  # type: ignore[attr-defined]
        largest = max(largest, held.nbytes)
    assert [given["row_groups"] for given in began] == [[0], [0], [0]]
    assert largest < 20_000 < sum(len(s.image) for s in SOURCES) / 4


def test_a_damaged_group_is_failures_of_its_rows(tmp_path: Path) -> None:
    write_parquet(tmp_path, SOURCES[:40], shard=20, group=10)
    survey = open_survey(tmp_path)
    path = next(tmp_path.rglob("train-00001*"))
    data = path.read_bytes()
    path.write_bytes(data[:100] + bytes(len(data) - 5000) + data[-4900:])
    found = list(survey.images(range(40)))
    assert found[:20] == [s.image for s in SOURCES[:20]]
    bad = [f for f in found[20:] if isinstance(f, Failure)]
    assert len(bad) == 20 and all(path.name in f.reason for f in bad)
