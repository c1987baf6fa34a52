from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from skerry.errors import RunError
from skerry.store.tables import read_table, rows_named, write_table


def test_rows_of_some_names() -> None:
    ids = pa.chunked_array([["b", "é"], [], ["a", "0"]], pa.string())
    assert rows_named(ids, ["a", "é", "a"]) == {"é": 1, "a": 2}
    assert rows_named(ids, []) == {}
    with pytest.raises(KeyError, match="nowhere"):
        rows_named(ids, ["a", "nowhere"])


def test_a_byte_that_rots_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    write_table(path, pa.table({"x": np.random.default_rng(0).normal(size=4000)}))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(RunError, match=r"t\.parquet is missing or damaged .* made anew"):
        read_table(path)
