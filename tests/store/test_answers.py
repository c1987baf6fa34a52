"""Laws of keeping answers in files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from skerry.answer import Answer, Plot, Series, array
from skerry.errors import RunError
from skerry.store.answers import read_answer, write_answer


def made() -> Answer:
    series = Series(
        "intervals", array([1, 2]), array([0.5, np.nan]), "a", array([0, 1]), array([2, 3]),
        text=("x", "y"), across=True,
    )  # fmt: skip
    plot = Plot("how", "size (arcsec)", "n", (series,), x_ticks=("p", "q"), at_y=(0.5,), x_log=True)
    return Answer(
        "properties",
        "So it is: é <b>.",
        "But.",
        {"rows": pa.table({"a": [1.5, None], "b": ["x", "y"]})},
        (plot,),
        {"SKR-1": "one"},
        {"SKR-1": plot},
        ("left out",),
    )


def test_an_answer_comes_back_as_it_was(tmp_path: Path) -> None:
    answer = made()
    write_answer(tmp_path, answer)
    back = read_answer(tmp_path)
    assert (back.question, back.sentence, back.caveat) == (
        answer.question, answer.sentence, answer.caveat
    )  # fmt: skip
    assert back.of_class == answer.of_class and back.notes == answer.notes and back.answered
    assert back.tables["rows"].equals(answer.tables["rows"])
    for one, other in ((back.plots[0], answer.plots[0]), (back.class_plots["SKR-1"],) * 2):
        assert (one.caption, one.x, one.x_ticks, one.at_y) == (
            other.caption, other.x, other.x_ticks, other.at_y
        )  # fmt: skip
    series = back.plots[0].series[0]
    np.testing.assert_array_equal(series.y, answer.plots[0].series[0].y)
    assert series.low is not None and series.low.dtype == np.float64
    assert series.text == ("x", "y") and series.across and series.mark == "intervals"


def test_the_same_answer_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_answer(tmp_path / name, made())
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"question": 1}'])
def test_a_damaged_answer_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "answer.json").write_text(text)
    with pytest.raises(RunError, match="examine again"):
        read_answer(tmp_path)
