"""What two encoders see alike and what only one of them sees."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from skerry.config import from_mapping
from skerry.discover import space_of
from skerry.discover.order import distinct_rows
from skerry.errors import CannotAnswerError
from skerry.examine import ExamineConfig, Subject
from skerry.examine.encoders import encoders
from skerry.examine.encoders.likeness import linear_cka, shared_neighbors
from tests.examine.made import SMALL, subject_of

CONFIG = from_mapping({"nulls": {"n": 12}, "replication": {"subsamples": 1}}, SMALL)
SEA, GROUP = 400, 20


def two_views() -> tuple[np.ndarray, np.ndarray]:
    """A sea that both see alike, a group both see, one only the first, one only the second."""
    rng = np.random.default_rng(11)
    first = rng.normal(size=(SEA + 3 * GROUP, 6))
    second = first @ np.linalg.qr(rng.normal(size=(6, 6)))[0] + 0.02 * rng.normal(size=first.shape)
    seen = {0: (True, True), 1: (True, False), 2: (False, True)}
    for g, views in seen.items():
        rows = np.arange(SEA + g * GROUP, SEA + (g + 1) * GROUP)
        for view, sees in zip((first, second), views, strict=True):
            if sees:
                center = rng.normal(size=6)
                center *= 3.2 / np.linalg.norm(center)
                view[rows] = center + 0.15 * rng.normal(size=(GROUP, 6))
    return first.astype(np.float32), second.astype(np.float32)


@pytest.fixture(scope="module")
def subject() -> Subject:
    first, second = two_views()
    groups = [np.arange(SEA + g * GROUP, SEA + (g + 1) * GROUP) for g in (0, 1)]
    numbers = {"mass": np.where(np.arange(len(first)) >= SEA + GROUP, 5.0, 0.0)
               + np.random.default_rng(0).normal(size=len(first))}  # fmt: skip
    made = subject_of(first, groups, numbers, config=CONFIG)
    other = space_of(second[distinct_rows(first)], CONFIG.neighbors)
    return replace(made, encoder="one", second=other, second_name="two")


def test_each_class_is_seen_by_those_that_can(subject: Subject) -> None:
    answer = encoders(subject, ExamineConfig())
    rows = answer.tables["classes"].to_pylist()
    assert [r["seen_by"] for r in rows] == ["both", "one", "two"]
    assert rows[0]["overlap"] > 0.8 and rows[0]["counterpart"].startswith("two: s")
    assert rows[1]["overdensity_first"] > 2 > rows[1]["overdensity_second"]
    assert rows[2]["overdensity_second"] > 2 > rows[2]["overdensity_first"]
    assert "mass +" in rows[1]["differs_in"] and "mass +" in rows[2]["differs_in"]
    alone = {m["id_str"] for m in answer.tables["members"].to_pylist()}
    assert len(alone & {f"s{i}" for i in range(SEA + 2 * GROUP, SEA + 3 * GROUP)}) >= 18
    assert "finds 1 of the 2 classes again and 1 that one does not" in answer.sentence
    assert "two finds it too" in answer.of_class[subject.classes[0].class_id]
    assert "Not a class to two" in answer.of_class[subject.classes[1].class_id]


def test_likeness_has_its_control(subject: Subject) -> None:
    table = encoders(subject, ExamineConfig()).tables["likeness"]
    rows = {r["measure"].split()[0]: r for r in table.to_pylist()}
    assert rows["linear"]["value"] > 0.5 > 0.05 > rows["linear"]["shuffled"]
    assert rows["share"]["value"] > 0.5 > 0.1 > rows["share"]["shuffled"]


def test_what_a_run_lacks_is_said(subject: Subject) -> None:
    with pytest.raises(CannotAnswerError, match=r"-s replication\.encoder="):
        encoders(replace(subject, second=None), ExamineConfig())
    none = from_mapping({"nulls": {"n": 0}}, CONFIG)
    with pytest.raises(CannotAnswerError, match=r"nulls\.n above 0"):
        encoders(replace(subject, config=none), ExamineConfig())


def test_alignment_does_not_see_rotation_scale_or_bias_of_few_sources() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 8)).astype(np.float32)
    turned = (3 * x @ np.linalg.qr(rng.normal(size=(8, 8)))[0] + 5).astype(np.float32)
    assert linear_cka(x, turned) == pytest.approx(1, abs=1e-4)
    few = [
        linear_cka(*(np.random.default_rng([s, i]).normal(size=(40, 60)).astype(np.float32)
                     for i in (0, 1)))
        for s in range(20)
    ]  # fmt: skip
    # with its usual bias it would be about 0.6 here
    assert np.mean(few) < 0.1


def test_neighbors_shared_with_oneself() -> None:
    space = space_of(np.random.default_rng(0).normal(size=(200, 4)), SMALL.neighbors)
    assert shared_neighbors(space, space).min() == 1
