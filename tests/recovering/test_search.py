from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from skerry import judging, pipeline, searching
from skerry.config import Config
from skerry.context import Context
from skerry.discover.assemble import judge_all
from skerry.discover.matching import best_match
from skerry.errors import InputError
from skerry.progress import silent
from skerry.recovering import Opened, copies, look_for, search
from skerry.store.runfolder import open_folder
from skerry.survey import open_survey
from skerry.types import FloatArray
from tests.conftest import N_PLANTED, write_vectors
from tests.recovering.conftest import clump, scattered


def test_a_class_that_stands_out_is_found(opened: Opened) -> None:
    found = look_for(clump(30), opened)
    assert found.found
    assert (found.planted, found.searched) == (30, N_PLANTED + 30)
    assert min(found.jaccard, found.purity, found.completeness) > 0.9
    assert found.q_value is not None
    assert found.q_value < 0.05
    assert found.replication is not None
    assert found.replication >= 0.5
    assert (found.failed, found.joined, found.pieces, found.new) == ("", 0.0, 0, 0)


def test_ordinary_sources_are_no_class(opened: Opened) -> None:
    found = look_for(scattered(30, 0.0, 1), opened)
    assert (found.found, found.verdict, found.new) == (False, "", 0)
    assert found.q_value is found.containment is found.replication is None
    assert found.jaccard < 0.5


def test_what_joins_a_class_of_the_run_is_not_found_but_told(opened: Opened) -> None:
    own = opened.space.vectors[opened.own[0]]
    rng = np.random.default_rng(0)
    joining = own[rng.integers(len(own), size=12)] + 0.05 * rng.normal(size=(12, 8))
    found = look_for(joining.astype(np.float32), opened)
    assert not found.found
    assert found.joined > 0.9


def test_pieces_of_the_planted_are_told_but_not_found(opened: Opened) -> None:
    parts = [clump(20, at, seed=i) for i, at in enumerate((-5.0, 4.5, 9.0))]
    found = look_for(np.concatenate(parts), opened)
    assert found.verdict == ""
    assert (found.pieces, found.new) == (3, 0)
    assert found.completeness == pytest.approx(1 / 3, abs=0.05)


def test_copies_of_a_source_are_planted_once(opened: Opened) -> None:
    twice = np.concatenate([clump(20), clump(20), opened.space.vectors[:3]])
    found = look_for(twice, opened)
    assert (found.planted, found.searched) == (20, N_PLANTED + 20)
    with pytest.raises(InputError, match="all 20 planted vectors are those of sources of the run"):
        look_for(opened.space.vectors[:20], opened)


def test_the_order_of_the_planted_changes_nothing(opened: Opened) -> None:
    assert look_for(clump(25), opened) == look_for(clump(25)[::-1], opened)


def test_searches_are_repeated_only_where_they_can_decide(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Repeating them every time gives the same verdicts."""
    drawn = [copies(opened).draw(25, v, 7) for v in (0.05, 0.4)] + [clump(30)]
    times = []
    original = search._repeated
    monkeypatch.setattr(search, "_repeated", lambda *a: times.append(1) or original(*a))
    lazy = [look_for(vectors, opened) for vectors in drawn]
    assert 0 < len(times) < len(drawn)

    def every_time(candidates, measures, space, opened, is_own):  # type: ignore[no-untyped-def]
        repeated = original(space, opened.config, None)
        return search.judge_all(candidates, measures, space, opened.config, opened.nulls, repeated)

    monkeypatch.setattr(search, "_judged", every_time)
    eager = [look_for(vectors, opened) for vectors in drawn]
    assert [(o.verdict, o.q_value, o.new) for o in eager] == [
        (o.verdict, o.q_value, o.new) for o in lazy
    ]


def test_a_run_that_really_holds_the_planted_judges_them_alike(
    opened: Opened, planted: FloatArray, planted_config: Config, tmp_path: Path
) -> None:
    """By its own files, but for the nulls: those of the run without the planted."""
    drawn = clump(22, width=0.3)
    order = np.random.default_rng(3).permutation(len(planted) + len(drawn))
    path = write_vectors(tmp_path / "all.parquet", np.concatenate([planted, drawn])[order])
    pipeline.run(path, tmp_path / "run", planted_config)
    survey = open_survey(path, planted_config.sources)
    context = Context(open_folder(tmp_path / "run"), survey, planted_config, silent)
    candidates, measures = searching.candidates_found(context)
    repeated = judging._repeated(context)
    judged = judge_all(candidates, measures, context.space, planted_config, opened.nulls, repeated)

    row = np.argsort(order)[len(planted) :]
    there = np.sort([context.searched.index(f"s{i:03d}") for i in row])
    members = [np.sort(c.members) for c in candidates]
    best, overlap = best_match(there, members)
    both = len(np.intersect1d(there, members[best]))
    judgement, again = judged[best].judgement, judged[best].replicated
    assert again is not None
    assert look_for(drawn, opened) == search.Outcome(
        planted=len(drawn),
        searched=len(planted) + len(drawn),
        jaccard=overlap,
        purity=both / len(members[best]),
        completeness=both / len(there),
        verdict=judgement.verdict,
        q_value=judgement.q,
        containment=float(measures.containment[best]),
        replication=again.share,
        failed="",
        joined=0.0,
        pieces=0,
        new=0,
    )
    assert judgement.verdict == "confirmed"
