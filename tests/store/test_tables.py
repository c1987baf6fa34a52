from __future__ import annotations

import pyarrow as pa
import pytest

from skerry.store.tables import rows_named


def test_rows_of_some_names() -> None:
    ids = pa.chunked_array([["b", "é"], [], ["a", "0"]], pa.string())
    assert rows_named(ids, ["a", "é", "a"]) == {"é": 1, "a": 2}
    assert rows_named(ids, []) == {}
    with pytest.raises(KeyError, match="nowhere"):
        rows_named(ids, ["a", "nowhere"])
