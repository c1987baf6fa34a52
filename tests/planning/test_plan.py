"""``skerry plan`` on small surveys: it measures, predicts, refuses, and writes nothing."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from skerry.backends import cuml
from skerry.cli import app
from skerry.config import Config, from_mapping, to_toml
from skerry.errors import DoesNotFitError, TooManyFailuresError
from skerry.notices import few_nulls
from skerry.planning import Machine, Plan, plan, probe, sample
from skerry.planning.plan import require_fit
from skerry.types import FloatArray

SIZES = 400, 800, 2000
"""Of the searches that are timed, as a test has no time for more."""

WIDE = Machine(cores=2, memory=10**12, disk=10**12)


def everything(folder: Path) -> dict[str, tuple[int, int]]:
    return {
        str(p.relative_to(folder)): (p.stat().st_size, p.stat().st_mtime_ns)
        for p in folder.rglob("*")
    }


@pytest.fixture(scope="module", autouse=True)
def small_searches() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(probe, "SIZES", SIZES)
        yield


@pytest.fixture(scope="module")
def predicted(
    survey_folder: Path, config: Config, tmp_path_factory: pytest.TempPathFactory
) -> Plan:
    output = tmp_path_factory.mktemp("planned") / "run"
    before = everything(survey_folder)
    found = plan(survey_folder, output, config, threads=1, probe_seconds=1, machine=WIDE)
    assert everything(survey_folder) == before
    assert not output.exists()
    return found


def test_what_cuml_is_to_compute_is_timed_on_the_cpu_without_it(
    planted_table: Path, planted_config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cuml, "lacking", lambda: "cuml is not installed")
    there = from_mapping({"embedding": {"device": "cuda"}}, planted_config)
    found = plan(planted_table, tmp_path / "run", there, threads=1, probe_seconds=1, machine=WIDE)
    assert found.rates.layout > 0 and found.rates.clusterer > 0
    assert any("by cuML, which was not measured" in note for note in found.notes)


def test_images_are_encoded_and_searches_timed(predicted: Plan) -> None:
    rates = predicted.rates
    assert rates.encoding > 0 and rates.layout > 0 and rates.drawing > 0
    assert rates.graph.square > 0 or rates.graph.linear > 0
    assert rates.communities > 0
    assert rates.side_by_side == 1.0
    assert predicted.workload.images and predicted.workload.sources == 150
    assert predicted.seconds > 0 and not predicted.problems


def test_what_the_report_would_warn_of_is_told_before(
    survey_folder: Path, config: Config, tmp_path: Path
) -> None:
    """Images of a side whose field of view no contract knows, and files passed over."""
    spoiled = Path(shutil.copytree(survey_folder, tmp_path / "survey"))
    (spoiled / "catalogue.csv").rename(tmp_path / "put-away.csv")
    unsaid = from_mapping({"representations": {"crop": 0.0}}, config)
    found = plan(spoiled, tmp_path / "run", unsaid, threads=1, probe_seconds=1, machine=WIDE)
    said = " ".join(found.notes)
    assert "files that are no images were left out" in said
    assert re.search(r"Of \d+ drawn sources: The field of view of \d+ images", said)


def test_few_nulls_are_told_as_the_report_tells_them(predicted: Plan, config: Config) -> None:
    [told] = few_nulls(150, config)
    assert told in predicted.notes


def test_searches_are_counted(predicted: Plan) -> None:
    searches = {s.name: s.searches for s in predicted.stages if s.searches}
    assert searches["neighbors"] == 1
    assert searches["nulls"] == 2  # one of each of two kinds
    assert searches["replication"] > 5


def test_a_small_machine_is_refused(
    planted_table: Path, planted_config: Config, tmp_path: Path
) -> None:
    small = Machine(cores=1, memory=10**6, disk=10**6)
    found = plan(
        planted_table, tmp_path / "run", planted_config, threads=1, probe_seconds=1, machine=small
    )
    with pytest.raises(DoesNotFitError, match=r"of memory.*of disk.*What would fit"):
        require_fit(found)
    assert not found.workload.images
    assert not (tmp_path / "run").exists()


def test_images_that_cannot_be_opened_end_it(
    survey_folder: Path, config: Config, tmp_path: Path
) -> None:
    spoiled = Path(shutil.copytree(survey_folder, tmp_path / "survey"))
    for path in sorted((spoiled / "images").glob("*.jpg"))[::2]:
        path.write_bytes(b"no image")
    with pytest.raises(TooManyFailuresError, match="drawn sources could not be read"):
        plan(spoiled, tmp_path / "run", config, threads=1, probe_seconds=1, machine=WIDE)


def test_more_threads_than_cores_are_measured_as_so_many_cores(
    planted_table: Path, planted_config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("skerry.planning.plan"), "available_threads", lambda: 1)
    wide = replace(WIDE, cores=64)
    found = plan(
        planted_table, tmp_path / "run", planted_config, threads=64, probe_seconds=1, machine=wide
    )
    assert found.rates.side_by_side == 1.0 and found.machine.cores == 64
    assert any("64 threads asked for, 1 core here" in note for note in found.notes)


def test_json_and_refusal_from_the_command_line(
    planted_table: Path, planted_config: Config, tmp_path: Path
) -> None:
    settings = tmp_path / "c.toml"
    settings.write_text(to_toml(planted_config))
    before = everything(planted_table.parent)
    arguments = ["plan", planted_table, "-o", tmp_path / "run", "-c", settings, "--threads", 1,
                 "--probe", 1, "-s", "nulls.n=3"]  # fmt: skip
    result = CliRunner().invoke(app, [*map(str, arguments), "--json"])
    assert result.exit_code == 0, result.stdout
    found = json.loads(result.stdout)
    assert found["sources"] == 1200
    assert found["seconds"] == pytest.approx(sum(s["seconds"] for s in found["stages"]))
    assert {s["name"]: s["searches"] for s in found["stages"]}["nulls"] == 6
    assert everything(planted_table.parent) == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["c.toml"]

    late = CliRunner().invoke(app, [*map(str, arguments), "--hours", "0.0001", "--json"])
    assert late.exit_code == 1
    assert json.loads(late.stdout)["error"] == "DoesNotFitError"
    assert "What would fit" in json.loads(late.stdout)["message"]


def test_settings_are_checked_as_those_of_a_run(planted_table: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(
        app, ["plan", str(planted_table), "-o", str(tmp_path / "run"), "-s", "neighbors.q=1"]
    )
    assert result.exit_code == 1 and "did you mean" in result.stderr


@pytest.fixture
def some() -> FloatArray:
    rng = np.random.default_rng(3)
    mixing = rng.normal(size=(6, 6)) * np.array([5, 3, 2, 1, 1, 0.1])
    return (rng.normal(size=(400, 6)) @ mixing.T + 7).astype(np.float32)


def test_stand_ins_have_the_spread_of_what_they_stand_for(some: FloatArray) -> None:
    drawn = sample.stand_in(some, 4000, np.random.default_rng(0))
    assert drawn.shape == (4000, 6) and drawn.dtype == np.float32
    assert len(np.unique(drawn, axis=0)) == 4000
    # along each principal axis of what was given
    axes = np.linalg.eigh(np.cov(some.T))[1]
    np.testing.assert_allclose((drawn @ axes).std(axis=0), (some @ axes).std(axis=0), rtol=0.02)
    np.testing.assert_allclose(drawn.mean(axis=0), some.mean(axis=0), atol=0.5)


def test_where_there_are_enough_the_vectors_stand_for_themselves(some: FloatArray) -> None:
    drawn = sample.stand_in(some, 100, np.random.default_rng(0))
    assert {row.tobytes() for row in drawn} <= {row.tobytes() for row in some}
    again = sample.stand_in(some, 100, np.random.default_rng(0))
    assert drawn.tobytes() == again.tobytes()


def test_many_dimensions_are_timed_on_as_many_vectors_as_they_need(some: FloatArray) -> None:
    config = from_mapping({"neighbors": {"k": 10}, "embedding": {"n_neighbors": 8}})
    wide = replace(config, embedding=replace(config.embedding, n_components=30, epochs=5))
    found = probe.searched(
        some, wide, sources=10**4, threads=1, budget=0, rng=np.random.default_rng(0)
    )
    assert found.layout > 0


def test_an_index_is_timed_only_for_a_survey_that_needs_one(some: FloatArray) -> None:
    ticks = iter(range(10**6))

    def clock() -> float:
        return float(next(ticks))

    config = from_mapping({"neighbors": {"k": 10}, "embedding": {"n_neighbors": 8}})
    wide = np.hstack([some] * 2).astype(np.float32)
    few, many = (
        probe.searched(
            wide, config, sources=n, threads=t, budget=0, rng=np.random.default_rng(0), clock=clock
        )
        for n, t in ((10**4, 1), (10**6, 2))
    )
    assert few.indexed == 0 and many.indexed > 0
    assert few.side_by_side == 1 and 1 <= many.side_by_side <= 2
