from __future__ import annotations

import sys
from pathlib import Path

import pytest

import skerry
from skerry.errors import ConfigError


@pytest.mark.parametrize("name", ["classes", "members", "checks", "unclustered"])
def test_a_frame_has_the_rows_of_the_table(judged: Path, name: str) -> None:
    pandas = pytest.importorskip("pandas")
    run = skerry.open(judged)
    frame, table = run.frame(name), getattr(run, name)
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame.columns) == table.colnames and len(frame) == len(table) > 0
    first = frame.columns[0]
    assert frame[first].tolist() == table[first].tolist()


def test_an_unknown_table_is_an_error(judged: Path) -> None:
    with pytest.raises(ConfigError, match=r"no table 'sources'; expected one of classes"):
        skerry.open(judged).frame("sources")


def test_without_pandas_it_says_how_to_get_it(
    judged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ConfigError, match=r"pip install pandas, or use run\.members"):
        skerry.open(judged).frame("members")
