from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import csv

from skerry.errors import CatalogError, ConfigError, InputError
from skerry.represent.trees import schema
from skerry.represent.trees.schema import Question, Schema
from skerry.represent.trees.votes import Kind, read_counts

DATA = Path(os.environ.get("SKERRY_DATA", Path(__file__).parents[4] / "shared" / "data"))

TREE = Schema("t", (Question("q", ("yes", "no")), Question("r", ("a", "b"), (("q", "yes"),))))
Values = npt.NDArray[np.float64]


def vote(tree: Schema, n: int, volunteers: int, seed: int) -> Values:
    """Whole votes of volunteers who go down a tree."""
    rng = np.random.default_rng(seed)
    counts = np.zeros((n, len(tree.columns)))
    for question, s in zip(tree.questions, tree.slices, strict=True):
        asked = np.full(n, volunteers)
        if question.asked_if:
            asked = counts[:, tree.leading(question)].sum(1).astype(int)
        counts[:, s] = rng.multinomial(asked, rng.dirichlet(np.ones(len(question.answers)), n))
    return counts


def totals(tree: Schema, counts: Values) -> dict[str, Values]:
    return {
        f"{q.name}_total-votes": counts[:, s].sum(1)
        for q, s in zip(tree.questions, tree.slices, strict=True)
    }


def conditional(tree: Schema, counts: Values) -> dict[str, Any]:
    """Shares of those asked, null where nobody was."""
    columns = {}
    for s in tree.slices:
        asked = counts[:, s].sum(1)
        for i in range(s.start, s.stop):
            shares = np.divide(counts[:, i], asked, out=np.zeros(len(counts)), where=asked > 0)
            columns[f"{tree.columns[i]}_fraction"] = pa.array(shares, mask=asked == 0)
    return columns


def cumulative(tree: Schema, counts: Values, volunteers: int) -> dict[str, Values]:
    return {f"{c}_fraction": counts[:, i] / volunteers for i, c in enumerate(tree.columns)}


real_trees = st.sampled_from([schema.get(name) for name in schema.names()])
seeds = st.integers(0, 2**32 - 1)


@given(real_trees, seeds, st.sampled_from(["auto", "counts"]))
def test_counts_are_read_as_they_are(tree: Schema, seed: int, kind: Kind) -> None:
    counts = vote(tree, 5, 40, seed)
    columns = {c: counts[:, i].astype(int) for i, c in enumerate(tree.columns)}
    found = read_counts(pa.table(columns), tree, kind=kind)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, counts)


@given(real_trees, seeds, st.sampled_from(["auto", "fractions"]))
def test_cumulative_fractions_give_the_counts_back(tree: Schema, seed: int, kind: Kind) -> None:
    counts = vote(tree, 20, 30, seed)
    table = pa.table(cumulative(tree, counts, 30))
    np.testing.assert_allclose(read_counts(table, tree, kind=kind, volunteers=30), counts, 1e-5)


@given(real_trees, seeds, st.sampled_from(["auto", "conditional"]))
def test_shares_of_those_asked_give_the_counts_back(tree: Schema, seed: int, kind: Kind) -> None:
    counts = vote(tree, 20, 30, seed)
    table = pa.table(conditional(tree, counts))
    np.testing.assert_allclose(read_counts(table, tree, kind=kind, volunteers=30), counts, 1e-5)


@given(real_trees, seeds)
def test_vote_totals_say_how_many_were_asked(tree: Schema, seed: int) -> None:
    counts = np.concatenate([vote(tree, 9, 7, seed), vote(tree, 9, 90, seed)])
    table = pa.table(conditional(tree, counts) | totals(tree, counts))
    np.testing.assert_allclose(read_counts(table, tree, kind="conditional"), counts, 1e-5)


@given(real_trees, seeds)
def test_one_total_is_enough_for_the_questions_that_follow(tree: Schema, seed: int) -> None:
    counts = vote(tree, 9, 90, seed)
    roots = [f"{q.name}_total-votes" for q in tree.questions if not q.asked_if]
    known = {name: asked for name, asked in totals(tree, counts).items() if name in roots}
    table = pa.table(conditional(tree, counts) | known)
    np.testing.assert_allclose(read_counts(table, tree, kind="conditional"), counts, 1e-5)


def table(values: list[list[float | None]], suffix: str = "_fraction", **more: Any) -> pa.Table:
    columns = zip(*values, strict=True)
    names = (f"{c}{suffix}" for c in TREE.columns)
    return pa.table(
        {n: pa.array(v, pa.float64()) for n, v in zip(names, columns, strict=True)} | more
    )


def test_a_question_never_asked_has_no_votes() -> None:
    zeros = table([[0, 1, 0, 0], [0.5, 0.5, 0.5, 0.5]])
    missing = table([[0, 1, None, None], [0.5, 0.5, 0.5, 0.5]])
    for each in (zeros, missing):
        np.testing.assert_array_equal(read_counts(each, TREE), [[0, 40, 0, 0], [20, 20, 10, 10]])


def test_rows_without_any_votes_are_zeros() -> None:
    none = [None] * 4
    cumulative_ = table([none, [0.5, 0.5, 0.25, 0.25]])
    np.testing.assert_array_equal(read_counts(cumulative_, TREE), [[0] * 4, [20, 20, 10, 10]])
    shares = table([none, [0.5, 0.5, 1, 0]])
    np.testing.assert_array_equal(read_counts(shares, TREE), [[0] * 4, [20, 20, 20, 0]])
    counts = table([none, [3, 1, 3, 0]], suffix="")
    np.testing.assert_array_equal(read_counts(counts, TREE), [[0] * 4, [3, 1, 3, 0]])
    assert read_counts(table([none]), TREE).tolist() == [[0] * 4]


def test_counts_are_taken_before_fractions() -> None:
    both = table([[3, 1, 3, 0]], suffix="")
    for name, column in zip(TREE.columns, table([[0.5, 0.5, 0.5, 0.5]]).columns, strict=True):
        both = both.append_column(f"{name}_fraction", column)
    np.testing.assert_array_equal(read_counts(both, TREE), [[3, 1, 3, 0]])


def test_a_table_without_rows_has_no_votes() -> None:
    empty = table([[0.5, 0.5, 0.5, 0.5]]).slice(0, 0)
    assert read_counts(empty, TREE).shape == (0, 4)


def test_two_readings_that_differ_ask_for_the_kind() -> None:
    both = table([[1, 0, 0.5, 0.5]], **{"q_total-votes": [10]})
    with pytest.raises(InputError, match=r"both as .* with other counts; set votes=fractions"):
        read_counts(both, TREE)
    np.testing.assert_array_equal(read_counts(both, TREE, kind="fractions"), [[40, 0, 20, 20]])
    np.testing.assert_array_equal(read_counts(both, TREE, kind="conditional"), [[10, 0, 5, 5]])


def test_two_readings_with_the_same_counts_need_no_kind() -> None:
    both = table([[1, 0, 0.5, 0.5]])
    np.testing.assert_array_equal(read_counts(both, TREE), [[40, 0, 20, 20]])


def test_fractions_that_do_not_add_up_ask_for_the_kind() -> None:
    neither = table([[0.5, 0.5, 0.25, 0.25], [0.5, 0.5, 0.3, 0.5]], id_str=["n", "m"])
    said = (
        r"neither reading: .* 'r' sum to 0.8 at row 1 \(id_str m\), where 0.5 of .* were asked; "
        r".* 'r' sum to 0.5 at row 0 \(id_str n\), where 20 volunteers .*"
        r"set votes=fractions or votes=conditional"
    )
    with pytest.raises(InputError, match=said):
        read_counts(neither, TREE)
    np.testing.assert_allclose(
        read_counts(neither, TREE, kind="fractions"), [[20, 20, 10, 10], [20, 20, 12, 20]]
    )


@pytest.mark.parametrize(
    ("row", "kind", "said"),
    [
        ([0.5, 0.5, -0.1, 1.1], "auto", "'r_a_fraction' is -0.1 at row 1 .*from 0 to 1"),
        ([0.5, 0.5, 0, 1.1], "fractions", "'r_b_fraction' is 1.1 at row 1"),
        ([0.5, 0.5, 0, float("inf")], "conditional", "'r_b_fraction' is inf at row 1"),
        ([0.5, None, 0.5, 0.5], "conditional", "'q_no_fraction' is missing at row 1"),
        ([0.5, 0.5, 0.5, None], "auto", "'r_b_fraction' is missing at row 1"),
        ([0.5, 0.5, None, None], "fractions", "'r_a_fraction' is missing at row 1"),
        ([0.5, 0.5, None, None], "conditional", "'r' has no shares at row 1 .* 20 were asked"),
        ([0.5, 0.5, None, None], "auto", "'r' are missing at row 1"),
        ([None, None, 0.5, 0.5], "auto", "'q' are missing at row 1"),
    ],
)
def test_bad_fractions_are_named_with_column_and_galaxy(
    row: list[float | None], kind: Kind, said: str
) -> None:
    bad = table([[0, 1, 0, 0], row], id_str=["n", "m"])
    with pytest.raises(InputError, match=said) as raised:
        read_counts(bad, TREE, kind=kind)
    assert "(id_str m)" in str(raised.value)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ([3, 1, -2, 0], "'r_a' is -2 at row 0; expected 0 or more"),
        ([3, 1, None, 0], "'r_a' is missing at row 0, which has other votes"),
    ],
)
def test_bad_counts_are_named(row: list[float | None], said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_counts(table([row], suffix=""), TREE)


@pytest.mark.parametrize("kind", ["auto", "counts"])
def test_counts_that_are_fractions_are_refused(kind: Kind) -> None:
    shares = table([[1, 0, 0, 1], [0.5, 0.5, None, 0.25]], suffix="", id_str=["n", "m"])
    shares = shares.set_column(2, "r_a", pa.array([0.0, 0.25]))
    said = r"'q_yes' is 0.5 at row 1 \(id_str m\).*'q_yes_fraction'.*votes=fractions.*votes=cond"
    with pytest.raises(InputError, match=said):
        read_counts(shares, TREE, kind=kind)
    for fair in ([1, 0, 0, 1], [2.5, 0.5, 2, 0.5]):  # few votes, and weighted ones
        found = read_counts(table([fair], suffix=""), TREE, kind=kind)
        np.testing.assert_array_equal(found, [fair])


def test_a_missing_total_is_named() -> None:
    shares = table([[0.5, 0.5, 0.5, 0.5]], **{"r_total-votes": pa.array([None], pa.int32())})
    with pytest.raises(InputError, match="'r_total-votes' is missing at row 0"):
        read_counts(shares, TREE, kind="conditional")


def test_missing_columns_are_named() -> None:
    full = table([[0.5, 0.5, 0.5, 0.5]])
    less = full.drop_columns(["r_b_fraction"])
    with pytest.raises(CatalogError, match="missing of the fractions: 'r_b_fraction'; add"):
        read_counts(less, TREE)
    with pytest.raises(CatalogError, match="once: 'r_b_fraction'; add"):
        read_counts(less, TREE, kind="fractions")
    with pytest.raises(CatalogError, match="once: 'q_yes', 'q_no', 'r_a' and 1 more"):
        read_counts(full, TREE, kind="counts")
    twice = full.append_column("q_no_fraction", full["q_no_fraction"])
    with pytest.raises(CatalogError, match="once: 'q_no_fraction'"):
        read_counts(twice, TREE, kind="fractions")


def test_columns_of_words_are_refused() -> None:
    words = pa.table({f"{c}_fraction": ["0.5"] for c in TREE.columns})
    with pytest.raises(InputError, match="'q_yes_fraction' is string; expected numbers"):
        read_counts(words, TREE)


def test_unknown_kinds_and_numbers_of_volunteers_are_refused() -> None:
    each = table([[0.5, 0.5, 0.5, 0.5]])
    with pytest.raises(ConfigError, match="votes is 'shares'; expected one of auto, counts"):
        read_counts(each, TREE, kind="shares")  # type: ignore[arg-type]
    for volunteers in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ConfigError, match="volunteers"):
            read_counts(each, TREE, volunteers=volunteers)


def test_the_fractions_of_a_real_survey_are_seen_to_be_cumulative() -> None:
    path = DATA / "gz2_survey" / "catalogue.csv"
    if not path.is_file():
        pytest.skip(f"gz2_survey is not in {DATA}; SKERRY_DATA names another folder")
    survey = csv.read_csv(path)
    counts = read_counts(survey, schema.GZ2, volunteers=40)
    assert counts.shape == (1823, 37)
    np.testing.assert_allclose(counts[:, schema.GZ2.slices[0]].sum(1), 40, atol=0.1)
    np.testing.assert_array_equal(counts, read_counts(survey, schema.GZ2, kind="fractions"))
