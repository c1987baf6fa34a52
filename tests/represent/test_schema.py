from __future__ import annotations

import pytest

from skerry.errors import ConfigError
from skerry.represent.schema import GZ2, GZ2_TRAINED, ODD_QUESTIONS


def test_gz2_has_its_37_answers() -> None:
    assert len(GZ2.columns) == 37
    assert len(set(GZ2.columns)) == 37


def test_slices_cover_the_columns_once() -> None:
    covered = [i for s in GZ2.slices for i in range(s.start, s.stop)]
    assert covered == list(range(37))


def test_every_question_is_reached_from_an_answer_that_exists() -> None:
    for question in GZ2.questions:
        if question.asked_if is not None:
            GZ2.index(*question.asked_if)


def test_the_odd_questions_are_not_trained() -> None:
    assert not any(c.startswith(ODD_QUESTIONS) for c in GZ2_TRAINED.columns)
    assert len(GZ2_TRAINED.columns) == 28


def test_an_unknown_answer_is_named() -> None:
    with pytest.raises(ConfigError, match="no answer 'bar-gz2_maybe'"):
        GZ2.index("bar-gz2", "maybe")
