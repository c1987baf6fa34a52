"""A class is grown from what people made of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from skerry import pipeline
from skerry.config import Config, from_mapping
from skerry.errors import InputError
from skerry.review import Action, open_reviews
from skerry.types import FloatArray
from skerry.using import Finished
from tests.conftest import N_PLANTED, N_SEA, write_vectors


@pytest.fixture
def run(judged: Path, tmp_path: Path) -> Finished:
    return Finished(Path(shutil.copytree(judged, tmp_path / "run")))


def proposed(run: Finished, class_id: str, limit: int = 9999, reviewed: bool = True) -> list[str]:
    return list(run.grow(class_id, limit, reviewed=reviewed)["id_str"].to_pylist())


def test_without_reviews_it_is_grown_as_it_is(run: Finished) -> None:
    first = run.classes[0].class_id
    assert run.grow(first, 50, reviewed=True).equals(run.grow(first, 50))


def test_dismissed_are_left_out_and_not_proposed_again(run: Finished) -> None:
    first = run.classes[0]
    before = proposed(run, first.class_id, reviewed=False)
    log = open_reviews(run.path)
    log.append(Action("dismiss", first.class_id, first.members[-1]))
    log.append(Action("dismiss", first.class_id, before[0]))
    after = proposed(run, first.class_id)
    # the dismissed member would come back first, had it only been left out
    assert first.members[-1] not in after and set(after) == set(before) - {before[0]}
    assert proposed(run, first.class_id, 7) == after[:7]
    # without the option all is as it was; taken back, they are as before
    assert proposed(run, first.class_id, reviewed=False) == before
    log.append(Action("undo"))
    log.append(Action("undo"))
    assert proposed(run, first.class_id) == before


def test_endorsed_sources_are_grown_from(run: Finished) -> None:
    """Endorsing some members of another class draws in the rest of it."""
    first, second = run.classes[:2]
    assert {first.verdict, second.verdict} == {"confirmed"}
    log = open_reviews(run.path)
    others = second.members[:6]
    for other in others:
        log.append(Action("endorse", first.class_id, other))
    rest = set(second.members[6:])
    before = proposed(run, first.class_id, reviewed=False)
    after = proposed(run, first.class_id)
    assert not set(after) & set(others)
    assert set(after[: len(rest)]) == rest != set(before[: len(rest)])


def test_a_merged_class_is_grown_as_a_whole(run: Finished) -> None:
    first, second = run.classes[:2]
    log = open_reviews(run.path)
    log.append(Action("merge", first.class_id, others=(second.class_id,)))
    after = proposed(run, first.class_id)
    assert not set(after) & {*first.members, *second.members}
    with pytest.raises(InputError, match=f"is merged into {first.class_id}"):
        proposed(run, second.class_id)


def test_copies_of_a_dismissed_source_are_still_members(
    planted: FloatArray, planted_config: Config, tmp_path: Path
) -> None:
    bare = from_mapping({"nulls": {"n": 0}, "replication": {"subsamples": 0}}, planted_config)
    ids = [f"s{i:03d}" for i in range(len(planted))] + ["a-copy", "z-copy"]
    table = write_vectors(tmp_path / "t.parquet", planted[[*range(N_PLANTED), N_SEA, N_SEA]], ids)
    pipeline.run(table, tmp_path / "run", bare)
    run = Finished(tmp_path / "run")
    target = next(c for c in run.classes if f"s{N_SEA:03d}" in c.members)
    assert {"a-copy", "z-copy"} < set(target.members)
    before = run.grow(target.class_id)
    log = open_reviews(run.path)
    # the one that stands for all three in the search
    log.append(Action("dismiss", target.class_id, "a-copy"))
    assert run.grow(target.class_id, reviewed=True).equals(before)
    for name in (f"s{N_SEA:03d}", "z-copy"):
        log.append(Action("dismiss", target.class_id, name))
    after = run.grow(target.class_id, 5, reviewed=True)
    assert len(after) == 5 and not set(after["id_str"].to_pylist()) & set(target.members)
    for name in [m for m in target.members if m in ids[:N_PLANTED]][2:]:
        log.append(Action("dismiss", target.class_id, name))
    left = [m for m in target.members if m in ids[:N_PLANTED] and m != f"s{N_SEA:03d}"]
    with pytest.raises(InputError, match="expected 2 or more"):
        for name in left:
            log.append(Action("dismiss", target.class_id, name))
            run.grow(target.class_id, reviewed=True)
