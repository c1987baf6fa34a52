from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from skerry.represent.labels import counts_from_fractions, implied_answers, vote_fractions
from skerry.represent.schema import Question, Schema

SCHEMA = Schema("s", (Question("q", ("yes", "no")), Question("r", ("a", "b"), ("q", "yes"))))


def test_fractions_are_read_in_the_order_of_the_schema_with_nan_for_missing() -> None:
    names = [f"{c}_fraction" for c in SCHEMA.columns][::-1]
    table = pa.table({n: pa.array([i / 10, None], pa.float32()) for i, n in enumerate(names)})
    found = vote_fractions(table, SCHEMA)
    np.testing.assert_allclose(found[0], [0.3, 0.2, 0.1, 0.0])
    assert np.isnan(found[1]).all()


def test_a_missing_vote_counts_nothing() -> None:
    fractions = np.array([[0.5, 0.5, 0.25, np.nan]], np.float32)
    np.testing.assert_array_equal(counts_from_fractions(fractions, 40), [[20, 20, 10, 0]])


def test_a_label_implies_answers_and_no_label_none() -> None:
    meaning = {"edge": (("q", "yes"), ("r", "b"))}
    found = implied_answers(["edge", None], SCHEMA, meaning)
    np.testing.assert_array_equal(found, [[1, 0, 0, 1], [0, 0, 0, 0]])


def test_an_unknown_label_is_an_error() -> None:
    with pytest.raises(KeyError):
        implied_answers(["blob"], SCHEMA, {})
