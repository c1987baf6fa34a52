from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from skerry import pipeline
from skerry.config import Config, from_mapping
from skerry.errors import ConfigError, InputError, RunError
from skerry.recovering import (
    Plan,
    Recovery,
    copies,
    of_images,
    of_kind,
    planting,
    recover,
)
from skerry.types import FloatArray
from tests.conftest import N_PLANTED, write_vectors
from tests.recovering.conftest import Given, given, scattered

SETTINGS: dict[str, Any] = {"prevalences": (0.003, 0.015, 0.03), "visibilities": (0.05, 1.0)}
RESULTS = ("realizations.parquet", "curve.csv", "recovery.json", "recovery.png")


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and p.name != ".lock"
    }


@pytest.fixture(scope="session")
def recovered(judged: Path, tmp_path_factory: pytest.TempPathFactory) -> Recovery:
    output = tmp_path_factory.mktemp("recovered") / "out"
    return recover(judged, given(scattered), output, realizations=2, threads=1, **SETTINGS)


@pytest.mark.parametrize("content", ["", "{", "{}", "[]", "null", '{"plant'])
def test_a_damaged_result_is_said_before_any_search(
    judged: Path, tmp_path: Path, content: str
) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "recovery.json").write_text(content)
    with pytest.raises(RunError, match=r"recovery\.json is damaged.* delete it, .* another folder"):
        recover(judged, given(scattered), tmp_path, realizations=1, threads=1, **SETTINGS)


def test_a_visible_class_is_found_and_a_faint_one_is_not(recovered: Recovery) -> None:
    reached = {(p.visibility, p.prevalence): p for p in recovered.points if not p.unreachable}
    assert [reached[1.0, p].found for p in (0.015, 0.03)] == [2, 2]
    assert [reached[0.05, p].found for p in (0.015, 0.03)] == [0, 0]
    assert [reached[None, p].found for p in (0.015, 0.03)] == [0, 0]
    faint, visible = recovered.limits
    assert (faint.visibility, faint.prevalence) == (0.05, math.inf)
    # 2 of 2 fix nothing
    assert (visible.visibility, visible.low, visible.high) == (1.0, 0.0, math.inf)
    assert visible.prevalence < math.inf
    apart = {v: found.auc for v, found in recovered.separations.items() if found}
    assert apart[1.0] == 1.0
    assert apart[None] < 0.75


def test_copies_are_found_as_long_as_they_are_narrow(judged: Path, tmp_path: Path) -> None:
    found = recover(
        judged, copies, tmp_path / "out", prevalences=[0.04], visibilities=[0.02, 1], realizations=3
    )
    points = {p.visibility: p for p in found.points}
    assert points[0.02].share == points[None].share == 0
    # confirmed or not, narrow copies are the group that most of them lie in
    assert (points[1.0].jaccard or 0) > 0.5 > (points[0.02].jaccard or 0)
    assert (points[1.0].completeness or 0) > 0.9 > 0.3 > (points[0.02].completeness or 0)
    assert found.sentence.startswith("This is an optimistic bound")
    assert set(found.curve["class"][:2]) == {"shifted copies of representations (optimistic bound)"}


def test_the_prevalence_is_a_share_of_all_that_is_searched(recovered: Recovery) -> None:
    rows = pq.read_table(recovered.path / "realizations.parquet").to_pylist()
    assert len(rows) == 3 * 2 * 2
    for row in rows:
        assert row["planted"] / row["searched"] == pytest.approx(row["prevalence"], rel=0.03)
        assert row["searched"] == N_PLANTED + row["planted"]


def test_what_cannot_be_planted_is_said_and_not_counted_as_missed(recovered: Recovery) -> None:
    gone = [p for p in recovered.points if p.unreachable]
    assert [(p.prevalence, p.planted, p.found, p.share) for p in gone] == [
        (0.003, 4, None, None)
    ] * 3
    assert "fewer than 15 are not planted" in gone[0].unreachable
    assert "Not planted: 0.3% of the sample (4 sources); fewer than 15" in recovered.sentence
    table = recovered.curve
    assert np.isnan(table["share"][table["prevalence"] == 0.003]).all()


@pytest.mark.usefixtures("not_searched")
def test_a_class_larger_than_classes_may_be_is_unreachable(judged: Path, tmp_path: Path) -> None:
    found = recover(
        judged, given(scattered), tmp_path / "out", prevalences=[0.05, 0.2], realizations=1
    )
    assert [bool(p.unreachable) for p in found.points] == [False, True] * 2
    assert "a class holds at most 150" in found.points[1].unreachable


def test_results_are_written_and_say_the_same(recovered: Recovery) -> None:
    assert {p.name for p in recovered.path.iterdir()} >= set(RESULTS)
    stored = json.loads((recovered.path / "recovery.json").read_text())
    assert stored["sentences"] == list(recovered.sentences)
    assert stored["limits"][0]["above"] == ["prevalence", "low", "high"]
    assert stored["limits"][1] == {
        "visibility": 1.0,
        "prevalence": recovered.limits[1].prevalence,
        "low": None,
        "high": None,
        "below": ["low"],
        "above": ["high"],
    }
    assert len(stored["curve"]) == 9
    assert {s["visibility"] for s in stored["separations"]} == {0.05, 1.0, None}
    assert stored["warnings"][0].startswith("Realizations made: 2.")
    assert stored["warnings"][-2] == "A note of the planter."
    assert "5 times of each kind" in stored["warnings"][-1]
    assert "nulls.n = 20 or more" in stored["warnings"][-1]
    assert not stored["optimistic_bound"]


def test_a_restart_makes_what_is_missing_and_ends_with_the_same_bytes(
    judged: Path, recovered: Recovery, tmp_path: Path
) -> None:
    output, seen = tmp_path / "out", []

    def stop(what: str, done: int, total: int) -> None:
        seen.append((what, done, total))
        if what.startswith("planting") and done == 3:
            raise KeyboardInterrupt

    plan = given(scattered)
    with pytest.raises(KeyboardInterrupt):
        recover(judged, plan, output, realizations=2, threads=1, on_event=stop, **SETTINGS)
    kept = {p.name: p.stat().st_mtime_ns for p in (output / "parts").iterdir()}
    assert len(kept) >= 3
    (output / "parts" / ".left.parquet.abc.part").write_text("half")
    seen.clear()
    recover(
        judged, plan, output, realizations=2, threads=2, on_event=stop_at_none(seen), **SETTINGS
    )
    assert seen[0] == ("planting and searching", len(kept), 6)
    for name, made in kept.items():
        assert (output / "parts" / name).stat().st_mtime_ns == made
    assert files(output) == files(recovered.path)


def test_searches_on_processes_end_with_the_same_bytes(
    judged: Path, recovered: Recovery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here: list[int] = []
    monkeypatch.setattr(planting, "look_for", lambda *_: here.append(1))
    recover(judged, given(scattered), tmp_path / "out", realizations=2, threads=3, **SETTINGS)
    assert files(tmp_path / "out") == files(recovered.path)
    assert not here


def stop_at_none(seen: list[tuple[str, int, int]]) -> Callable[[str, int, int], None]:
    return lambda what, done, total: seen.append((what, done, total))


@pytest.mark.usefixtures("not_searched")
def test_more_realizations_keep_those_there(judged: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    settings: dict[str, Any] = {"prevalences": [0.05], "threads": 1}
    recover(judged, given(scattered), output, realizations=1, **settings)
    kept = {p: p.stat().st_mtime_ns for p in (output / "parts").iterdir()}
    found = recover(judged, given(scattered), output, realizations=3, **settings)
    assert len(list((output / "parts").iterdir())) == 6
    assert {p: p.stat().st_mtime_ns for p in kept} == kept
    assert [p.realizations for p in found.points] == [3, 3]
    # fewer leave those that are not asked for
    fewer = recover(judged, given(scattered), output, realizations=1, **settings)
    assert [p.realizations for p in fewer.points] == [1, 1]
    assert len(list((output / "parts").iterdir())) == 6
    with pytest.raises(RunError, match="holds the recovery of another class"):
        recover(judged, copies, output, realizations=1, **settings)
    # with another seed, or another planter, nothing of it holds
    recover(judged, given(scattered), output, realizations=1, seed=1, **settings)
    assert not {p: p.stat().st_mtime_ns for p in kept}.items() & kept.items()


@pytest.mark.parametrize(
    ("n", "sources", "nulls", "said"),
    [(1200, 1200, 20, ""), (1200, 500, 20, "only where 3 or more.*nulls.n = 48"),
     (1200, 1200, 5, "only where 4 or more.*nulls.n = 20")],
)  # fmt: skip
def test_what_the_nulls_of_a_run_cannot_confirm_is_told(
    n: int, sources: int, nulls: int, said: str
) -> None:
    config = from_mapping({"nulls": {"n": nulls, "sources": sources}})
    opened: Any = type("Run", (), {"config": config, "__len__": lambda self: n})()
    notes = planting._few_nulls(opened)
    assert len(notes) == bool(said)
    assert all(re.search(said, note) for note in notes)


def test_prevalences_are_nested_and_visibilities_share_their_draws(
    judged: Path, tmp_path: Path, not_searched: list[FloatArray]
) -> None:
    seeds = []

    def make(n: int, visibility: float, seed: int) -> FloatArray:
        seeds.append((visibility, n, seed))
        return scattered(n, visibility, seed)

    recover(judged, given(make), tmp_path / "out", realizations=2, threads=1, **SETTINGS)
    assert {n for _, n, _ in seeds} == {37}
    of = {v: [s for visibility, _, s in seeds if visibility == v] for v in (0.0, 0.05, 1.0)}
    assert of[0.05] == of[1.0]
    assert len({*of[0.0], *of[1.0]}) == 4
    assert [len(v) for v in not_searched] == [18, 37] * 6
    for few, many in zip(not_searched[::2], not_searched[1::2], strict=True):
        assert np.array_equal(few, many[:18])


def test_the_order_and_the_names_of_the_sources_change_nothing(
    planted: FloatArray,
    planted_config: Config,
    judged: Path,
    tmp_path: Path,
) -> None:
    order = np.random.default_rng(5).permutation(len(planted))
    table = write_vectors(
        tmp_path / "other.parquet", planted[order], [f"x{i}" for i in range(len(planted))]
    )
    pipeline.run(table, tmp_path / "run", planted_config)
    made = []
    for name, run in (("a", judged), ("b", tmp_path / "run")):
        recover(run, copies, tmp_path / name, prevalences=[0.02], realizations=1, threads=1)
        made.append({f: (tmp_path / name / f).read_bytes() for f in RESULTS})
    assert made[0] == made[1]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"prevalences": [0.0]}, "above 0, below 0.5"),
        ({"prevalences": [math.nan]}, "above 0, below 0.5"),
        ({"prevalences": []}, "one or more"),
        ({"prevalences": [0.001, 0.002]}, "give some from 0.0123 to 0.0909"),
        ({"visibilities": [1.5]}, "above 0, at most 1"),
        ({"realizations": 0}, "1 or more"),
        ({"seed": -1}, "0 or more"),
    ],
)
def test_settings_out_of_range(
    judged: Path, tmp_path: Path, changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        recover(judged, given(scattered), tmp_path / "out", **{**SETTINGS, **changed})
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("plan", [of_kind("ring"), of_images("examples")])
def test_images_cannot_join_a_table_of_representations(
    judged: Path, tmp_path: Path, plan: Plan
) -> None:
    with pytest.raises(InputError, match="--copies on the command line"):
        recover(judged, plan, tmp_path / "out", **SETTINGS)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_taken_is_refused(judged: Path, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("mine")
    for output, said in (
        (tmp_path / "notes", "something else"),
        (tmp_path / "notes" / "a.txt", "is a file"),
        (judged / "recovery", "is part of"),
        (judged, "is part of"),
    ):
        with pytest.raises(RunError, match=said):
            recover(judged, given(scattered), output, **SETTINGS)
    assert (tmp_path / "notes" / "a.txt").read_text() == "mine"


def test_a_planter_without_a_bound_has_a_plain_title(recovered: Recovery) -> None:
    assert recovered.title == Given(scattered).name
