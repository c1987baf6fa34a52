"""Does the representation hold more than the votes: worlds where the answer is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from skerry.answer import Answer
from skerry.errors import CannotAnswerError, ConfigError
from skerry.examine import ExamineConfig, Subject
from skerry.examine.label_independence import label_independence
from skerry.examine.label_independence.conditional_gain import Gain, gains
from skerry.examine.label_independence.crossfit import Crossed, curved, folds
from skerry.examine.label_independence.latent_votes import (
    by_question,
    concentration,
    latent,
    redrawn,
    shares_of,
    stabilized,
)
from skerry.examine.label_independence.same_votes import nearest
from skerry.examine.label_independence.unlearned import PIXELS, UNTRAINED, unlearned
from skerry.examine.label_independence.votes_of_classes import BY_VOTES, NOT_BY_VOTES
from skerry.examine.label_independence.voting import OBSERVED, PREDICTED, Votes, votes_of
from skerry.represent.trees.tree import Question, Schema
from skerry.types import DoubleArray
from tests.examine.made import subject_of

TREE = Schema(
    "small",
    (
        Question("shape", ("smooth", "disk", "odd")),
        Question("edge", ("yes", "no"), (("shape", "disk"),)),
    ),
)
COLUMNS = TREE.columns
QUICK = ExamineConfig(permutations=99)


def shares(rng: np.random.Generator, n: int) -> DoubleArray:
    """Shares (n, 5) of two latent properties."""
    looks = rng.normal(size=(n, 2))
    return by_question(np.exp(looks @ rng.normal(size=(2, 5)) * 1.2), TREE)


def voted(
    p: DoubleArray, rng: np.random.Generator, volunteers: int = 40, tree: Schema = TREE
) -> DoubleArray:
    counts = np.zeros_like(p)
    for question, s in zip(tree.questions, tree.slices, strict=True):
        asked = np.full(len(p), volunteers)
        if question.asked_if:
            asked = counts[:, tree.leading(question)].sum(axis=1).astype(int)
        counts[:, s] = rng.multinomial(asked, p[:, s])
    return counts


def seen(p: DoubleArray, rng: np.random.Generator, d: int = 8) -> DoubleArray:
    """Votes plus noise: the latent shares (n, 5), and 1% of noise in d dimensions."""
    vectors = 0.01 * rng.normal(size=(len(p), d))
    vectors[:, : p.shape[1]] += np.sqrt(TREE.cumulative(p))
    return vectors


def target(p: DoubleArray, rng: np.random.Generator) -> DoubleArray:
    """A curved function of the shares, and as much noise."""
    plain = (np.sqrt(TREE.cumulative(p)) - 0.4) @ rng.normal(size=(5, 3)) * 2
    signal = np.tanh(plain).sum(axis=1)
    return signal / signal.std() + rng.normal(size=len(p))


def one(votes: Votes, vectors: DoubleArray, y: DoubleArray, seed: int, **more: Any) -> Gain:
    none = np.empty((len(y), 0))
    return gains(votes, vectors, none, y[:, None], draws=99, seed=(seed,), **more)[0]


def highest(trials: int) -> int:
    """Rejections at 5% that are exceeded once in 1,000 times."""
    return int(binom.ppf(0.999, trials, 0.05))


def test_a_source_is_predicted_by_others_alone() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 3)), rng.normal(size=(60, 2))
    crossed = Crossed(x, folds(np.zeros(60, np.int64), rng))
    before = crossed.predict(y)
    y[7] += 100
    after = crossed.predict(y)
    np.testing.assert_allclose(after[7], before[7], atol=1e-8)
    assert np.abs(after - before).max() > 0.1


def test_a_fit_finds_what_is_there_and_nothing_in_noise() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(500, 3))
    truth = np.stack([x[:, 0] - 2 * x[:, 1], np.abs(x[:, 2]), rng.normal(size=500)], axis=1)
    crossed = Crossed(curved(x, rng), folds(np.zeros(500, np.int64), rng))
    left = ((truth - crossed.predict(truth)) ** 2).mean(axis=0) / truth.var(axis=0)
    assert left[0] < 0.01
    assert left[1] < 0.25
    assert 0.97 < left[2] < 1.1


@pytest.mark.parametrize("share", [[0.1, 0.2, 0.7], [0.34, 0.33, 0.33], [0.6, 0.3, 0.1]])
def test_noise_of_stabilized_votes_is_the_same_for_all_shares(share: list[float]) -> None:
    rng = np.random.default_rng(2)
    counts = np.zeros((5000, 5))
    counts[:, :3] = rng.multinomial(40, share, 5000)
    found = stabilized(counts, TREE)[:, :3]
    assert found.var(axis=0).sum() == pytest.approx(2 / (4 * 40), rel=0.08)


def test_the_concentration_of_votes_is_found_and_their_posterior_covers_the_truth() -> None:
    rng = np.random.default_rng(3)
    expected = shares(rng, 2000)
    truth = by_question(rng.standard_gamma(15 * expected) + 1e-9, TREE)
    counts = voted(truth, rng)
    assert concentration(counts[:, :3], expected[:, :3]) == pytest.approx(15, rel=0.15)
    posterior = latent(counts, expected, TREE)
    drawn = np.stack([posterior.draw(rng) for _ in range(99)])
    rank = (drawn < truth).mean(axis=0)[:, 0]
    assert np.mean((rank > 0.05) & (rank < 0.95)) == pytest.approx(0.9, abs=0.03)


def test_votes_are_drawn_again_by_as_many_volunteers() -> None:
    rng = np.random.default_rng(4)
    p = shares(rng, 300)
    counts = voted(p, rng)
    again = redrawn(p, counts, TREE, rng)
    for s in TREE.slices:
        np.testing.assert_array_equal(again[:, s].sum(axis=1), counts[:, s].sum(axis=1))
    assert (again != counts).any()
    back = shares_of(np.sqrt(TREE.cumulative(p)), counts, TREE)
    assert np.abs(back[:, :3] - p[:, :3]).max() < 0.02


def test_votes_plus_noise_are_not_rejected_given_predicted_votes() -> None:
    trials, rejected = 100, 0
    for seed in range(trials):
        rng = np.random.default_rng(seed)
        p = shares(rng, 200)
        votes = Votes(PREDICTED, TREE, np.arange(200), p)
        rejected += one(votes, seen(p, rng), target(p, rng), seed, worlds=0).drawn_p <= 0.05
    assert rejected <= highest(trials)


def test_votes_plus_noise_are_not_rejected_given_noisy_votes_though_naively_they_are() -> None:
    trials, rejected, naive = 10, 0, 0
    for seed in range(trials):
        rng = np.random.default_rng(100 + seed)
        p = shares(rng, 300)
        counts, y = voted(p, rng, 20), target(p, rng)
        vectors, rows = seen(p, rng), np.arange(300)
        rejected += one(Votes(OBSERVED, TREE, rows, counts), vectors, y, seed, worlds=19).p <= 0.05
        taken = by_question(counts + 1e-3, TREE)
        naive += (
            one(Votes(PREDICTED, TREE, rows, taken), vectors, y, seed, worlds=0).drawn_p <= 0.05
        )
    assert rejected <= highest(trials)
    assert naive >= trials / 2


@pytest.mark.parametrize("kind", [PREDICTED, OBSERVED])
def test_what_the_votes_do_not_hold_is_found(kind: str) -> None:
    rng = np.random.default_rng(5)
    p, hidden = shares(rng, 400), rng.normal(size=400)
    vectors = seen(p, rng)
    vectors[:, 7] += hidden
    values = p if kind == PREDICTED else voted(p, rng)
    y = target(p, rng) + 0.6 * hidden
    found = one(Votes(kind, TREE, np.arange(400), values), vectors, y, 5, worlds=19)
    assert found.p == 0.05
    assert found.low > 0.05
    if kind == PREDICTED:  # nothing is left of the votes but the hidden part, 0.36, and noise, 1
        assert found.low < 0.36 / 1.36 < found.high
    assert found.gain > found.world_gains.max() + 0.05


def test_nuisance_that_looks_and_target_share_is_no_gain() -> None:
    rng = np.random.default_rng(6)
    p, size = shares(rng, 400), rng.normal(size=(400, 1))
    vectors = seen(p, rng)
    vectors[:, [7]] += size
    y = target(p, rng)[:, None] + size
    votes = Votes(PREDICTED, TREE, np.arange(400), p)
    [given_it] = gains(votes, vectors, size, y, draws=99, seed=(0,), worlds=0)
    assert given_it.drawn_p > 0.05
    assert one(votes, vectors, y[:, 0], 0, worlds=0).drawn_p == 0.01


def world(seed: int = 0, n: int = 400, **columns: DoubleArray) -> Subject:
    """A sea whose vectors are votes and three dimensions beyond; one class of votes alone, one
    of a dimension beyond them."""
    rng = np.random.default_rng(seed)
    p = shares(rng, n)
    p[:16, :3] = by_question(np.tile([[0.05, 0.1, 0.85, 1, 1]], (16, 1)), TREE)[:, :3]
    p[:16, :3] += 0.004 * rng.random((16, 3))
    p = by_question(p, TREE)
    vectors = np.concatenate([4 * np.sqrt(TREE.cumulative(p)), rng.normal(size=(n, 3))], axis=1)
    vectors[:16, 5:] *= 0.3
    vectors[16:32, 5:] = [5, 5, 0] + 0.3 * rng.normal(size=(16, 3))
    y = target(p, rng) + vectors[:, 7]
    counts = voted(p, rng)
    names = {f"{c}-dr5": counts[:, i] for i, c in enumerate(COLUMNS)}
    return subject_of(
        vectors.astype(np.float32),
        [np.arange(16), np.arange(16, 32)],
        {"log_mass": y, "mag_r": rng.normal(size=n), **names, **columns},
        votes=p.astype(np.float32),
        vote_columns=COLUMNS,
    )


@pytest.fixture(scope="module")
def answer() -> Answer:
    return label_independence(world(), QUICK)


def test_a_class_of_votes_alone_is_called_so_and_another_is_not(answer: Answer) -> None:
    by_class = {row["class_id"]: row for row in answer.tables["classes"].to_pylist()}
    assert by_class["SKR-s000"]["verdict"] == BY_VOTES
    assert by_class["SKR-s016"]["verdict"] == NOT_BY_VOTES
    assert answer.of_class["SKR-s000"].startswith("Explained by the votes")
    assert answer.of_class["SKR-s016"].startswith("Not explained by the votes")
    assert by_class["SKR-s016"]["precision_representation"] > 0.9
    assert by_class["SKR-s000"]["own_by_votes"] > 0.8 > 0.3 > by_class["SKR-s016"]["own_by_votes"]
    assert "Of 2 classes the votes explain 1." in answer.sentence


def test_a_target_beyond_the_votes_is_named_with_its_numbers(answer: Answer) -> None:
    [row] = answer.tables["tests"].to_pylist()
    assert row["target"] == "log_mass" and row["more_than_votes"]
    assert row["votes_alone"] == 99 and row["p_value"] == 0.01
    assert "holds more than the votes" in answer.sentence
    assert "mag_r" in answer.sentence
    assert f"{row['gain']:.0%}" in answer.sentence


def test_directions_within_the_votes_are_explained_and_those_beyond_are_not(
    answer: Answer,
) -> None:
    found = answer.tables["directions"].to_pylist()
    explained = [row["explained"] for row in found if row["variance"] > 0.01]
    assert sum(e > 0.9 for e in explained) >= 1
    assert sum(e < 0.2 for e in explained) == 3


def test_galaxies_with_the_same_votes_are_shown_inside_and_outside(answer: Answer) -> None:
    rows = answer.tables["same_votes"].to_pylist()
    own = [row for row in rows if row["exemplar"] == "s016"]
    assert [row["member"] for row in own] == [True, False, False, False]
    far = [row["votes_distance"] for row in own[1:]]
    assert far == sorted(far)
    likeness = {row["of"]: row["likeness"] for row in answer.tables["likeness"].to_pylist()}
    assert likeness["SKR-s016"] < 0.3 < likeness["SKR-s000"]


def test_a_representation_of_votes_alone_is_not_said_to_hold_more() -> None:
    rng = np.random.default_rng(8)
    p = shares(rng, 320)
    subject = subject_of(
        seen(p, rng).astype(np.float32),
        [],
        {"redshift": target(p, rng)},
        votes=p.astype(np.float32),
        vote_columns=COLUMNS,
    )
    found = label_independence(subject, QUICK)
    assert "Nothing tells the representation from the votes" in found.sentence
    assert any("no class" in note for note in found.notes)
    explained = found.tables["directions"].to_pylist()
    assert explained[0]["explained"] > 0.95


def with_numbers(subject: Subject, **numbers: DoubleArray) -> Subject:
    held = replace(subject.attributes, numbers={**subject.attributes.numbers, **numbers})
    return replace(subject, attributes=held)


GZ2 = ("smooth-or-featured-gz2_smooth", "smooth-or-featured-gz2_featured-or-disk",
       "smooth-or-featured-gz2_artifact")  # fmt: skip


@pytest.mark.parametrize("ending", ["", "_fraction"])
def test_votes_of_volunteers_are_found_in_the_catalog(ending: str) -> None:
    subject = world(n=100)
    rng = np.random.default_rng(9)
    fractions = rng.dirichlet([3, 2, 1], 100)
    values = np.rint(fractions * 1000) / (1 if not ending else 1000)
    values[:, 2] = values[:, :2].sum(axis=1) * -1 + (1 if ending else 1000)
    values[4] = np.nan
    odd = {f"something-odd-gz2_{a}{ending}": values[:, 0] for a in ("yes", "no")}
    named = {f"{c}{ending}": values[:, i] for i, c in enumerate(GZ2)}
    found, _ = votes_of(with_numbers(subject, **named, **odd))
    assert [votes.kind for votes in found] == [PREDICTED, OBSERVED]
    observed = found[1]
    assert observed.tree.columns == GZ2
    assert 4 not in observed.rows and len(observed.rows) == 99
    np.testing.assert_allclose(
        observed.values, np.delete(values, 4, axis=0) * (40 if ending else 1), rtol=1e-5
    )
    withheld, notes = votes_of(with_numbers(subject, **named), [f"{GZ2[0]}{ending}"])
    assert [votes.kind for votes in withheld] == [PREDICTED]
    assert any("no votes of volunteers" in note for note in notes)


def test_a_truth_is_not_looked_at_unless_it_is_named() -> None:
    subject = world()
    plain = {"truth_redshift": np.arange(400.0), "mag_r": np.random.default_rng(0).random(400)}
    subject = replace(subject, attributes=replace(subject.attributes, numbers=plain))
    found = label_independence(subject, QUICK)
    assert found.tables["tests"].num_rows == 0
    assert "not tested" in found.sentence
    assert any("target=COLUMN" in note for note in found.notes)
    named = label_independence(subject, replace(QUICK, target="truth_redshift"))
    assert named.tables["tests"].num_rows == 1


def words(values: Sequence[str]) -> np.ndarray[Any, Any]:
    return np.array(list(values), dtype=object)


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ({"target": "spin"}, "spin"),
        ({"target": "flat"}, "all values are 2"),
        ({"target": "few"}, "only 50 sources"),
        ({"target": "three"}, "3 different words"),
        ({"target": "shape_smooth"}, "trained to predict"),
        ({"nuisance": "seeing"}, "seeing"),
    ],
)
def test_columns_that_cannot_be_used_are_refused(setting: dict[str, str], expected: str) -> None:
    few = np.where(np.arange(400) < 50, np.arange(400.0), np.nan)
    subject = with_numbers(world(), flat=np.full(400, 2.0), few=few, shape_smooth=few)
    held = replace(subject.attributes, words={"three": words(["a", "b", "c", ""] * 100)})
    error = ConfigError if expected in setting.values() else CannotAnswerError  # it is missing
    with pytest.raises(error, match=expected):
        label_independence(replace(subject, attributes=held), replace(QUICK, **setting))


def test_two_words_are_a_target() -> None:
    subject = world()
    turned = np.where(subject.space.vectors[:, 7] > 0, "left", "right")
    held = replace(subject.attributes, words={"spin": words(turned)})
    found = label_independence(
        replace(subject, attributes=held), replace(QUICK, target="spin", permutations=19)
    )
    [row] = found.tables["tests"].to_pylist()
    assert row["more_than_votes"] and row["gain"] > 0.3


def test_without_votes_there_is_no_answer() -> None:
    subject = replace(world(), votes=np.zeros((400, 0), np.float32), vote_columns=())
    with pytest.raises(CannotAnswerError, match="no votes for 100 sources"):
        label_independence(subject, QUICK)


def test_an_encoder_of_unknown_questions_has_votes_too() -> None:
    columns = ("other_0", "other_1", "other_2", "again_a", "again_b")
    [votes], _ = votes_of(replace(world(n=100), vote_columns=columns))
    assert [q.name for q in votes.tree.questions] == ["other", "again"]
    np.testing.assert_allclose(votes.places, np.sqrt(world(n=100).votes), rtol=1e-6)


@settings(max_examples=4)
@given(st.integers(0, 2**20))
def test_the_order_of_rows_changes_nothing(seed: int) -> None:
    rng = np.random.default_rng(10)
    p = shares(rng, 130)
    vectors = seen(p, rng).astype(np.float32)
    mixed = np.random.default_rng(seed).permutation(130)
    place = np.argsort(mixed)
    names = [f"s{i:03d}" for i in range(130)]
    plain = subject_of(vectors, [np.arange(12)], votes=p.astype(np.float32), vote_columns=COLUMNS)
    other = subject_of(
        vectors[mixed],
        [place[:12]],
        votes=p[mixed].astype(np.float32),
        vote_columns=COLUMNS,
        ids=[names[i] for i in mixed],
    )
    one, two = label_independence(plain, QUICK), label_independence(other, QUICK)
    assert one.sentence == two.sentence and one.of_class == two.of_class
    for name, table in one.tables.items():
        assert repr(table.to_pylist()) == repr(two.tables[name].to_pylist())


def test_the_nearest_leave_out_the_source_itself_also_among_equals() -> None:
    places = np.zeros((20, 2))
    places[15:] = 1
    near, far = nearest(places, np.array([0, 16]), 4)
    assert not (near == [[0], [16]]).any()
    np.testing.assert_array_equal(far, 0)


def test_what_learned_nothing_is_made_of_images_alone() -> None:
    rng = np.random.default_rng(11)
    stored = {f"a{i}": rng.integers(0, 255, (80, 90, 3), dtype=np.uint8) for i in range(30)}
    for i in range(15):
        stored[f"a{i}"][30:50, 30:50] = 255
    ids = [*stored, "lost"]

    def images(asked: Sequence[str]) -> Any:
        return ((name, stored.get(name)) for name in asked)

    found, kept = unlearned(images, ids, 4, 0)
    assert kept.tolist() == list(range(30))
    again, _ = unlearned(images, ids, 4, 0)
    for what in (PIXELS, UNTRAINED):
        assert found[what].shape == (30, 4)
        np.testing.assert_array_equal(found[what], again[what])
        first = found[what][:, 0]
        assert (first[:15] > first[15:].max()).all() or (first[:15] < first[15:].min()).all()


def test_controls_stand_beside_where_there_are_images() -> None:
    rng = np.random.default_rng(12)
    drawn = rng.integers(0, 255, (400, 64, 64, 3), dtype=np.uint8)
    subject = world()

    def images(asked: Sequence[str]) -> Any:
        return ((name, drawn[int(name[1:])]) for name in asked)

    found = label_independence(replace(subject, images=images), replace(QUICK, permutations=19))
    rows = {row["what"]: row for row in found.tables["tests"].to_pylist()}
    assert rows["representation"]["gain"] > 0.2
    for what in (PIXELS, UNTRAINED):
        assert rows[what]["gain"] < 0.05 and rows[what]["q_value"] is None
        assert f"{what} " in found.sentence
