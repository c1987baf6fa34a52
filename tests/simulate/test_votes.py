from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry.errors import ConfigError
from skerry.represent.trees.schema import get
from skerry.represent.trees.votes import read_counts
from skerry.simulate.votes import (
    DISTURBANCES,
    Appearance,
    answer_probabilities,
    draw_votes,
    vote_columns,
)

TREE = get("decals_dr5")
SPIRAL = Appearance(late=0.8, bulge_fraction=0.15, arm_strength=0.7, arms=2, edge_on=0.2)
DRAWS = 4000


def shares(**changes: object) -> dict[str, dict[str, float]]:
    """Chance of each answer, by question without the tree's suffix."""
    found = answer_probabilities(replace(SPIRAL, **changes), TREE)
    return {
        q.name.removesuffix("-dr5"): dict(zip(q.answers, found[q.name], strict=True))
        for q in TREE.questions
    }


def unit() -> st.SearchStrategy[float]:
    return st.floats(0, 1)


appearances = st.builds(
    Appearance,
    late=unit(),
    bulge_fraction=unit(),
    axis_ratio=unit(),
    arm_strength=st.floats(0, 1.25),
    arms=st.integers(0, 4),
    pitch=st.floats(0, math.pi / 2),
    bar=unit(),
    boxy=unit(),
    edge_on=unit(),
    clumps=st.floats(0, 1.2),
    merger=st.sampled_from(DISTURBANCES),
    artifact=unit(),
    resolution=st.floats(0, 1e6),
)


@given(appearances)
def test_shares_sum_to_one_and_no_answer_is_certain(a: Appearance) -> None:
    found = answer_probabilities(a, TREE)
    assert list(found) == [q.name for q in TREE.questions]
    for question in TREE.questions:
        p = found[question.name]
        assert p.dtype == np.float64 and p.shape == (len(question.answers),)
        assert p.sum() == pytest.approx(1, abs=1e-12)
        assert p.min() > 0 and p.max() < 1


RISES = [
    ("bar", "bar", "strong", 0, 1),
    ("edge_on", "disk-edge-on", "yes", 0, 1),
    ("artifact", "smooth-or-featured", "artifact", 0, 1),
    ("late", "smooth-or-featured", "featured-or-disk", 0, 1),
    ("clumps", "smooth-or-featured", "featured-or-disk", 0, 1.2),
    ("arm_strength", "smooth-or-featured", "featured-or-disk", 0, 1.25),
    ("arm_strength", "has-spiral-arms", "yes", 0, 1.25),
    ("arm_strength", "spiral-arm-count", "2", 0, 1.25),
    ("bulge_fraction", "bulge-size", "dominant", 0, 1),
    ("axis_ratio", "how-rounded", "round", 0, 1),
    ("boxy", "edge-on-bulge", "boxy", 0, 1),
    ("pitch", "spiral-winding", "loose", 0, 1.5),
    ("resolution", "smooth-or-featured", "featured-or-disk", 0, 20),
]
FALLS = [
    ("bar", "bar", "no", 0, 1),
    ("edge_on", "has-spiral-arms", "yes", 0, 1),
    ("bulge_fraction", "bulge-size", "none", 0, 1),
    ("bulge_fraction", "edge-on-bulge", "none", 0, 1),
    ("axis_ratio", "how-rounded", "cigar-shaped", 0, 1),
    ("pitch", "spiral-winding", "tight", 0, 1.5),
    ("arm_strength", "spiral-arm-count", "cant-tell", 0, 1.25),
]


SIGNED = pytest.mark.parametrize(
    ("name", "question", "answer", "low", "high", "sign"),
    [(*row, 1) for row in RISES] + [(*row, -1) for row in FALLS],
    ids=[f"{row[0]}-{row[2]}" for row in RISES + FALLS],
)


@SIGNED
@given(ends=st.tuples(unit(), unit()))
def test_what_shows_more_is_answered_more(
    name: str, question: str, answer: str, low: float, high: float, sign: int, ends: tuple
) -> None:
    small, large = (low + share * (high - low) for share in sorted(ends))
    less = shares(**{name: small})[question][answer]
    more = shares(**{name: large})[question][answer]
    assert sign * (more - less) >= -1e-12


@SIGNED
def test_over_its_range_a_feature_changes_the_answer_much(
    name: str, question: str, answer: str, low: float, high: float, sign: int
) -> None:
    less, more = (shares(**{name: value})[question][answer] for value in (low, high))
    assert sign * (more - less) > 0.15


@pytest.mark.parametrize("arms", [1, 2, 3, 4])
def test_the_right_number_of_arms_wins(arms: int) -> None:
    counts = shares(arms=arms, arm_strength=0.8)["spiral-arm-count"]
    assert max(counts, key=counts.__getitem__) == str(arms)
    assert counts[str(arms)] > 0.5


@pytest.mark.parametrize("merger", DISTURBANCES)
def test_the_right_disturbance_wins(merger: str) -> None:
    answers = shares(merger=merger)["merging"]
    assert max(answers, key=answers.__getitem__) == merger


@given(appearances)
def test_where_nothing_is_resolved_most_see_something_smooth(a: Appearance) -> None:
    found = shares(**{**vars(a), "resolution": 0.5, "artifact": 0.0})
    assert found["smooth-or-featured"]["smooth"] > 0.8
    assert found["bar"]["no"] > 0.8
    assert found["has-spiral-arms"]["no"] > 0.7


@given(appearances, st.integers(0, 2**32 - 1))
def test_everyone_asked_answers_once(a: Appearance, seed: int) -> None:
    counts = draw_votes(a, np.random.default_rng(seed), TREE)
    assert tuple(counts) == vote_columns(TREE)
    assert counts["smooth-or-featured-dr5_total-votes"] >= 1
    for question in TREE.questions:
        asked = counts[f"{question.name}_total-votes"]
        assert sum(counts[f"{question.name}_{answer}"] for answer in question.answers) == asked
        if question.asked_if:
            assert asked == sum(counts[f"{name}_{answer}"] for name, answer in question.asked_if)


def test_the_same_seed_gives_the_same_counts() -> None:
    first = draw_votes(SPIRAL, np.random.default_rng(3), TREE)
    assert draw_votes(SPIRAL, np.random.default_rng(3), TREE) == first
    assert draw_votes(SPIRAL, np.random.default_rng(4), TREE) != first


@pytest.fixture(scope="module")
def many() -> list[dict[str, int]]:
    rng = np.random.default_rng(0)
    return [draw_votes(SPIRAL, rng, TREE, concentration=15.0) for _ in range(DRAWS)]


@pytest.mark.parametrize("question", TREE.questions, ids=lambda q: q.name)
def test_mean_and_variance_are_those_of_the_dirichlet_multinomial(
    many: list[dict[str, int]], question: object
) -> None:
    name, answers = question.name, question.answers
    n = np.array([votes[f"{name}_total-votes"] for votes in many], float)
    p = answer_probabilities(SPIRAL, TREE)[name]
    k = np.array([[votes[f"{name}_{answer}"] for answer in answers] for votes in many])
    k, n = k[n >= 2], n[n >= 2][:, None]
    assert len(k) > 200, "too few were asked for the test to mean anything"
    multinomial = n * p * (1 - p)
    expected = multinomial * (n + 15) / (1 + 15)
    error = np.sqrt(expected.sum(0))
    assert (np.abs((k - n * p).sum(0)) < 4.5 * error).all()
    # of the commoner answers, whose squares have a mean that so many draws pin down
    common = p > 0.1
    squares = (k - n * p) ** 2 / expected
    off = np.abs(squares.mean(0) - 1) / (squares.std(0) / np.sqrt(len(k)))
    assert (off[common] < 4.5).all()
    if np.median(n) > 10:
        assert (((k - n * p) ** 2 / multinomial).mean(0)[common] > 1.3).all()


def test_about_forty_volunteers_classify_a_galaxy(many: list[dict[str, int]]) -> None:
    everybody = np.array([votes["smooth-or-featured-dr5_total-votes"] for votes in many])
    assert everybody.mean() == pytest.approx(40, abs=0.5)
    assert everybody.std() == pytest.approx(math.sqrt(40), rel=0.06)
    few = [draw_votes(SPIRAL, np.random.default_rng(s), TREE, volunteers=0.1) for s in range(20)]
    assert {votes["smooth-or-featured-dr5_total-votes"] for votes in few} == {1}


def test_a_larger_concentration_brings_sources_closer_together() -> None:
    def scatter(concentration: float) -> float:
        rng = np.random.default_rng(1)
        found = [draw_votes(SPIRAL, rng, TREE, 1000, concentration) for _ in range(300)]
        return float(np.std([v["smooth-or-featured-dr5_smooth"] for v in found]))

    assert scatter(2) > 2 * scatter(50)


def test_the_catalogs_reader_reads_the_counts() -> None:
    rng = np.random.default_rng(5)
    drawn = [draw_votes(Appearance(late=x), rng, TREE) for x in np.linspace(0, 1, 50)]
    counts = pa.Table.from_pylist(drawn)
    expected = np.array([[votes[column] for column in TREE.columns] for votes in drawn])
    np.testing.assert_array_equal(read_counts(counts, TREE), expected)


def test_a_tree_without_some_questions_is_answered_all_the_same() -> None:
    fewer = TREE.without(["bar-dr5", "merging-dr5"])
    counts = draw_votes(SPIRAL, np.random.default_rng(0), fewer)
    assert tuple(counts) == vote_columns(fewer)
    assert not any(name.startswith("bar") for name in counts)


@pytest.mark.parametrize("name", ["gz2", "decals_dr8", "rings"])
def test_other_trees_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="decals_dr5"):
        answer_probabilities(SPIRAL, get(name))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"late": 1.2}, "late of an appearance is 1.2; expected 0 to 1"),
        ({"bar": -0.1}, "bar .* -0.1"),
        ({"clumps": math.nan}, "clumps .* nan"),
        ({"resolution": math.inf}, "resolution .* inf"),
        ({"merger": "pair"}, "'pair'; expected one of none, minor-disturbance"),
    ],
)
def test_values_out_of_range_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(SPIRAL, **changes)


@pytest.mark.parametrize("name", ["volunteers", "concentration"])
@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf])
def test_numbers_of_votes_must_be_positive(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"{name} is {value}"):
        draw_votes(SPIRAL, np.random.default_rng(0), TREE, **{name: value})
