"""What a user is told; what runs tell is in test_pipeline.py and test_judging.py."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from skerry import notices
from skerry.config import from_mapping


@pytest.mark.parametrize(("n", "least"), [(1, 11), (5, 4), (18, 2), (19, 2), (20, 0), (0, 0)])
def test_few_searches_of_featureless_data_are_told(n: int, least: int) -> None:
    """1 / (n + 1) is the least q of one candidate that no null group reaches."""
    found = notices.few_nulls(2000, from_mapping({"nulls": {"n": n}}))
    assert len(found) == bool(least)
    assert all(said.startswith(f"By {n} search{'es' if n > 1 else ''} of") for said in found)
    assert all(f"unless {least} candidates" in said and "nulls.n of 20" in said for said in found)


@pytest.mark.parametrize(
    ("placed", "ra", "told"),
    [
        (True, [None, None], True),
        (False, [None, None], False),
        (True, [None, 3.0], False),
    ],
)
def test_positions_that_headers_alone_have_are_told(
    placed: bool, ra: list[float | None], told: bool
) -> None:
    class Survey:
        sources = pa.table({"ra": pa.array(ra, pa.float64())})

        def __len__(self) -> int:
            return len(ra)

    facts = SimpleNamespace(placed=placed)
    given: Any = SimpleNamespace(contract="an encoder's", survey=Survey(), facts=facts)
    assert notices._placed_in_headers(given) == told
