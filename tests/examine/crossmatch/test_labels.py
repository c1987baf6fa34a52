"""Labels from columns of words, of 0 and 1, and from Galaxy Zoo's votes."""

from __future__ import annotations

import numpy as np
import pytest

from skerry.errors import CannotAnswerError, ConfigError
from skerry.examine.crossmatch.labels import labelling_of, own_labels, vote_labels
from skerry.represent.trees.schema import GZ2
from skerry.survey import Attributes


def words(*values: str) -> np.ndarray:
    return np.array(values, dtype=object)


def shares(**answers: dict[str, float]) -> np.ndarray:
    """Shares of those asked in the columns of Galaxy Zoo 2; the first answer where not given."""
    found = np.zeros(len(GZ2.columns))
    for question in GZ2.questions:
        given = answers.get(question.name.replace("-", "_"), {question.answers[0]: 1.0})
        for answer, share in given.items():
            found[GZ2.index(question.name, answer)] = share
    return found


def cumulative(rows: list[np.ndarray]) -> dict[str, np.ndarray]:
    fractions = GZ2.cumulative(np.stack(rows))
    return {f"{c}_fraction": fractions[:, i] for i, c in enumerate(GZ2.columns)}


SPIRAL = shares(
    smooth_or_featured_gz2={"featured-or-disk": 0.9, "smooth": 0.1},
    disk_edge_on_gz2={"no": 0.95, "yes": 0.05},
    has_spiral_arms_gz2={"yes": 0.8, "no": 0.2},
    something_odd_gz2={"no": 0.9, "yes": 0.1},
    odd_feature_gz2={"ring": 1.0},
)
RING = shares(
    smooth_or_featured_gz2={"featured-or-disk": 0.6, "smooth": 0.4},
    disk_edge_on_gz2={"no": 0.6, "yes": 0.4},
    something_odd_gz2={"yes": 0.7, "no": 0.3},
    odd_feature_gz2={"ring": 0.55, "merger": 0.45},
)
SPLIT = shares(
    smooth_or_featured_gz2={"smooth": 0.5, "featured-or-disk": 0.5},
    something_odd_gz2={"no": 1.0},
)


def test_votes_become_the_answer_of_the_majority_of_those_asked() -> None:
    numbers = cumulative([SPIRAL, RING, SPLIT])
    numbers = {k: np.append(v, np.nan) for k, v in numbers.items()}
    found, notes = vote_labels(numbers)
    by_name = {labelling.name: labelling for labelling in found}
    assert not notes and set(by_name) == {question.name for question in GZ2.questions}
    first = by_name["smooth-or-featured-gz2"]
    assert list(first.values) == ["featured-or-disk", "featured-or-disk", "", ""]
    assert list(first.known) == [True, True, True, False]
    # 10% saw something odd: what these said of it is no label
    assert list(by_name["odd-feature-gz2"].values) == ["", "ring", "", ""]
    # 0.9 * 0.95 were asked, and 0.8 of them said yes; of the second 0.6 * 0.6 is no majority
    assert list(by_name["has-spiral-arms-gz2"].values[:2]) == ["yes", ""]
    assert list(by_name["disk-edge-on-gz2"].values[:2]) == ["no", "no"]


def test_counts_say_the_same_as_fractions() -> None:
    counts = GZ2.cumulative(np.stack([SPIRAL, RING, SPLIT])) * 40
    by_counts, _ = vote_labels({c: counts[:, i] for i, c in enumerate(GZ2.columns)})
    by_fractions, _ = vote_labels(cumulative([SPIRAL, RING, SPLIT]))
    for one, other in zip(by_counts, by_fractions, strict=True):
        assert list(one.values) == list(other.values), one.name


def test_a_part_of_a_tree_is_said_and_not_guessed_at() -> None:
    found, notes = vote_labels({"smooth-or-featured-gz2_smooth_fraction": np.array([0.9, 0.1])})
    assert not found and "not all the votes" in notes[0]
    broken = cumulative([SPIRAL, RING])
    broken["bar-gz2_yes_fraction"] = np.array([0.9, 7.0])
    found, notes = vote_labels(broken)
    assert not found and "cannot be read" in notes[0] and "bar-gz2_yes_fraction" in notes[0]


def test_words_are_labels_unless_they_name_places_truths_or_single_sources() -> None:
    n = 40
    attributes = Attributes(
        {"flag": np.arange(n) % 2.0, "mass": np.arange(n) * 1.0},
        {
            "type": words(*["ring", "merger", "", "nan"] * 10),
            "truth_kind": words(*["a", "b"] * 20),
            "Detector": words(*["r1", "r2"] * 20),
            "object": words(*[f"o{i}" for i in range(n)]),
            "code": words(*["1", "2"] * 20),
        },
    )
    found, notes = own_labels(attributes, "")
    assert [labelling.name for labelling in found] == ["type"]
    assert list(found[0].values[:4]) == ["ring", "merger", "", ""]
    assert list(found[0].known[:4]) == [True, True, False, False]
    assert "'flag'" in notes[0] and "mass" not in notes[0]


def test_named_columns_are_taken_whatever_they_look_like() -> None:
    attributes = Attributes(
        {"flag": np.array([1.0, 0, 1, np.nan]), "mass": np.arange(4.0)},
        {"truth_kind": words("a", "a", "b", "b"), "object": words("p", "q", "r", "s")},
    )
    flag, kind = own_labels(attributes, "flag, truth_kind")[0]
    assert list(flag.labels()) == ["flag"] and list(flag.labels()["flag"]) == [1, 0, 1, 0]
    assert list(flag.known) == [True, True, True, False]
    assert set(kind.labels()) == {"truth_kind: a", "truth_kind: b"}
    with pytest.raises(ConfigError, match=r"no column 'colour'; it has 'flag', 'mass', 'object'$"):
        own_labels(attributes, "colour")
    for name, said in (
        ("mass", "other than 0 and 1"),
        ("object", "no label to 2 sources"),
    ):
        with pytest.raises(CannotAnswerError, match=said):
            own_labels(attributes, name)


def test_a_labelling_is_full_where_nearly_all_have_one_of_several_labels() -> None:
    assert labelling_of("a", ["x", "y"] * 10).full
    assert not labelling_of("a", ["x"] * 20).full
    assert not labelling_of("a", ["x", "y"] * 8 + [""] * 4).full
    assert not labelling_of("a", ["1", "0"] * 10).full


def test_a_yes_or_no_is_one_label() -> None:
    found = labelling_of("in cluster", ["true", "False", "", "TRUE"])
    assert list(found.labels()) == ["in cluster"]
    assert list(found.known) == [True, True, False, True]
