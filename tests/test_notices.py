"""What a user is told; what runs tell is in test_pipeline.py and test_judging.py."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from skerry import notices
from skerry.config import from_mapping


@pytest.mark.parametrize(("n", "least"), [(5, 4), (18, 2), (19, 2), (20, 0), (0, 0)])
def test_few_searches_of_featureless_data_are_told(n: int, least: int) -> None:
    """1 / (n + 1) is the least q of one candidate that no null group reaches."""
    given: Any = SimpleNamespace(config=from_mapping({"nulls": {"n": n}}), distinct=2000)
    found = notices._by_parts(given)
    assert len(found) == bool(least)
    assert all(f"unless {least} candidates" in said and "nulls.n of 20" in said for said in found)


@pytest.mark.parametrize(
    ("source", "scale", "ra", "told"),
    [
        ("FITS headers", 0.26, [None, None], True),
        ("settings (bands); FITS headers", 0.26, [None, None], True),
        ("FITS headers", None, [None, None], False),
        ("nothing", 0.26, [None, None], False),
        ("FITS headers", 0.26, [None, 3.0], False),
    ],
)
def test_positions_that_headers_alone_have_are_told(
    source: str, scale: float | None, ra: list[float | None], told: bool
) -> None:
    class Survey:
        sources = pa.table({"ra": pa.array(ra, pa.float64())})

        def __len__(self) -> int:
            return len(ra)

    facts = SimpleNamespace(source=source, pixel_scale=scale)
    given: Any = SimpleNamespace(contract="an encoder's", survey=Survey(), facts=facts)
    assert notices._placed_in_headers(given) == told
