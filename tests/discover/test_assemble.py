from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from skerry.config import NeighborsConfig, from_mapping
from skerry.discover import judged, measure, space_of
from skerry.discover.assemble import Judged, Repeated, judge_all, whole_classes
from skerry.discover.complete import Whole
from skerry.discover.heldout import Halves, HeldOut
from skerry.discover.judge import Judgement
from skerry.discover.replicate import replicated
from skerry.discover.second import second_coherence
from skerry.discover.variants import halves
from skerry.types import Candidate, Measures, Replicate, Verdict

N = 1600
CONFIG = from_mapping({"neighbors": {"k": 15}, "classes": {"max_share": 0.1}})


def sea() -> np.ndarray:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N, 6))
    x[:30] = 1.0 + 0.1 * rng.normal(size=(30, 6))
    return x.astype(np.float32)


SPACE = space_of(sea(), CONFIG.neighbors)
REAL = np.arange(30)
CHANCE = np.argsort(np.linalg.norm(SPACE.vectors - SPACE.vectors[300], axis=1))[:20]
CANDIDATES = [Candidate(rows, np.ones(len(rows), np.float32), 0.5) for rows in (CHANCE, REAL)]
MEASURES = measure(CANDIDATES, SPACE)


def null(*containment: float) -> Measures:
    columns = (np.full(len(containment), value) for value in (20.0, 0.2, 1.1, 0.4, 0.9))
    return Measures(*columns, np.array(containment))


NULLS = {
    "shuffled": [null(1.1, 1.2), null(), *[null(1.0)] * 18],
    "smooth-1": [null(1.1, 3.3) for _ in range(20)],
}


def repeated(found_again: Sequence[np.ndarray] = (REAL,)) -> Repeated:
    a, b = halves(N, 0)
    seen = [np.intersect1d(rows, half) for half in (a, b) for rows in found_again]
    split = len(found_again)
    return Repeated(
        [Replicate("size-7", "size", None, tuple(found_again))],
        (
            Replicate("half-a", "half", a, tuple(seen[:split])),
            Replicate("half-b", "half", b, tuple(seen[split:])),
        ),
    )


def said(**known: object) -> list[Judged]:
    given = {"nulls": NULLS, "repeated": repeated(), **known}
    return judge_all(CANDIDATES, MEASURES, SPACE, CONFIG, **given)  # type: ignore[arg-type]


def names(one: Judged) -> list[str]:
    return [check.name for check in one.judgement.checks]


def test_a_verdict_on_each_in_their_order() -> None:
    assert MEASURES.containment[0] < 2 < 5 < MEASURES.containment[1]
    chance, real = said()
    assert (chance.judgement.verdict, real.judgement.verdict) == ("rejected", "confirmed")
    backwards = judge_all(
        CANDIDATES[::-1], measure(CANDIDATES[::-1], SPACE), SPACE, CONFIG, NULLS, repeated()
    )
    assert [one.judgement for one in backwards] == [real.judgement, chance.judgement]


def test_p_and_q_are_the_worst_over_the_kinds() -> None:
    statistics = {kind: [m.containment for m in found] for kind, found in NULLS.items()}
    p, q = judged(MEASURES.containment, statistics)
    assert [one.judgement.p for one in said()] == p.tolist()
    assert [one.judgement.q for one in said()] == q.tolist()
    assert q[1] == pytest.approx(1 / 21)


def test_what_was_measured_is_what_is_checked() -> None:
    real = {check.name: check for check in said()[1].judgement.checks}
    for name in ("isolation", "coherence", "spread", "size"):
        assert real[name].value == getattr(MEASURES, name)[1]
    # 20 chance groups and more, all with the same values: these are the bounds
    assert [real[n].threshold for n in ("isolation", "coherence", "spread")] == [0.2, 0.4, 0.9]
    assert real["size"].threshold == 160


def test_repeated_searches_are_told_of_and_the_halves_held_against_each_other() -> None:
    again = repeated()
    _, real = said(repeated=again)
    (expected,) = replicated([REAL], again.variants)
    assert real.replicated is not None
    assert (real.replicated.share, real.replicated.kinds) == (1.0, {"size": (1, 1)})
    np.testing.assert_array_equal(real.replicated.member_probability, expected.member_probability)
    (half,) = [check for check in real.judgement.checks if check.name == "held-out half"]
    assert half.value == Halves(*again.halves, SPACE).heldout(REAL).p
    lost = said(repeated=repeated([np.arange(400, 420)]))[1]
    assert lost.judgement.verdict == "tentative"
    assert lost.replicated is not None and lost.replicated.share == 0


def test_the_halves_are_asked_only_of_what_chance_does_not_explain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[np.ndarray] = []

    def spy(self: Halves, members: np.ndarray) -> HeldOut:
        asked.append(members)
        return HeldOut(None, None)

    monkeypatch.setattr(Halves, "heldout", spy)
    chance, real = said()
    assert [rows.tolist() for rows in asked] == [REAL.tolist()]
    assert "held-out half" in names(real) and "held-out half" not in names(chance)
    # where it is not known what chance explains, of all
    asked.clear()
    assert all("held-out half" in names(one) for one in said(nulls={}))
    assert [rows.tolist() for rows in asked] == [np.sort(CHANCE).tolist(), REAL.tolist()]


def test_without_nulls_nothing_is_judged() -> None:
    for one in said(nulls={}, repeated=None):
        assert one.judgement.verdict == "unjudged"
        assert one.judgement.p is one.judgement.q is one.replicated is None
        assert names(one) == ["isolation", "coherence", "spread", "size", "edge"]


def test_without_repeated_searches_nothing_is_confirmed() -> None:
    chance, real = said(repeated=None)
    assert (chance.judgement.verdict, real.judgement.verdict) == ("rejected", "tentative")
    assert real.replicated is None
    assert "replication" not in names(real)


def test_a_second_encoder_has_its_say_of_what_chance_does_not_explain() -> None:
    other = space_of(np.random.default_rng(1).permutation(SPACE.vectors), CONFIG.neighbors)
    for second, verdict in ((SPACE, "confirmed"), (other, "tentative")):
        chance, real = said(second=second)
        (check,) = [c for c in real.judgement.checks if c.name == "second encoder"]
        assert (check.value, check.threshold) == second_coherence(REAL, SPACE, second)
        assert real.judgement.verdict == verdict
        assert "second encoder" not in names(chance)


def test_no_candidates() -> None:
    assert judge_all([], measure([], SPACE), SPACE, CONFIG, NULLS, repeated()) == []


def test_a_confirmed_class_is_no_piece_of_a_tentative_one() -> None:
    rng = np.random.default_rng(3)
    config = from_mapping({"classes": {"max_share": 0.25}})
    sea, group = rng.normal(size=(400, 8)), 0.5 * rng.normal(size=(60, 8))
    group[:, 0] += 5
    space = space_of(np.vstack([sea, group]).astype(np.float32), NeighborsConfig(k=20))
    inward = 400 + np.argsort(np.linalg.norm(group - group.mean(0), axis=1))
    core, piece = inward[:34], np.sort(inward[34:])[:12]
    parts = [Candidate(r, np.ones(len(r), np.float32), 0.0) for r in (core, piece)]

    def whole(*verdicts: Verdict) -> list[Whole | None]:
        given = [Judged(Judgement(v, (), ()), None) for v in verdicts]
        return whole_classes(parts, given, space, config)

    assert whole("confirmed", "tentative")[1] is None
    assert whole("tentative", "tentative")[1] is None
    both = whole("tentative", "confirmed")
    assert both[0] is not None and both[1] is not None and not both[0].pieces
