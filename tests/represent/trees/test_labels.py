from __future__ import annotations

import numpy as np
import pytest

from skerry.errors import InputError
from skerry.represent.trees.labels import implied_answers
from skerry.represent.trees.schema import Question, Schema

SCHEMA = Schema("s", (Question("q", ("yes", "no")), Question("r", ("a", "b"), (("q", "yes"),))))


def test_a_label_implies_answers_and_no_label_none() -> None:
    meaning = {"edge": (("q", "yes"), ("r", "b"))}
    found = implied_answers(["edge", None], SCHEMA, meaning)
    np.testing.assert_array_equal(found, [[1, 0, 0, 1], [0, 0, 0, 0]])


def test_an_unknown_label_is_an_error() -> None:
    with pytest.raises(InputError, match="row 0 has the unknown label 'blob'; known: edge"):
        implied_answers(["blob"], SCHEMA, {"edge": ()})
