"""What a Ray cluster adds: workers and nodes that are lost, GPUs, and a whole run."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from skerry import pipeline
from skerry.config import Config, from_mapping
from skerry.errors import RunError, TooManyFailuresError
from skerry.executors import ray as on_ray
from skerry.executors.executor import Executor, opened
from tests.conftest import contents
from tests.executors.conftest import another_node
from tests.executors.tasks import (
    held_up,
    killed,
    killed_once,
    node_of,
    noted,
    slow_square,
)

pytestmark = pytest.mark.ray


def test_a_killed_worker_costs_its_tasks_alone(cluster: Any, tmp_path: Path) -> None:
    items = ["", str(tmp_path / "marker"), ""]
    with opened("ray", address=cluster.address) as executor:
        assert list(executor.map(killed_once, items)) == items


def test_what_kills_every_worker_is_told(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_ray, "RETRIES", 1)
    with (
        opened("ray", address=cluster.address) as executor,
        pytest.raises(RunError, match="lost on the Ray cluster and tried 1 times again"),
    ):
        list(executor.map(killed, range(2)))


@pytest.mark.parametrize("way", ["map", "map_as_ended"])
def test_a_lost_node_costs_its_tasks_alone(cluster: Any, tmp_path: Path, way: str) -> None:
    node = another_node(cluster)
    with opened("ray", address=cluster.address) as executor:
        cluster.wait_for_nodes()
        warm(executor)
        found = []
        for i in getattr(executor, way)(noted, [(str(tmp_path), i) for i in range(20)]):
            found.append(i)
            if len(found) == 7:
                cluster.remove_node(node, allow_graceful=False)
    assert sorted(found) == list(range(20)) and (way != "map" or found == sorted(found))
    begun = Counter(path.name.split("-")[0] for path in tmp_path.iterdir())
    again = {i: n for i, n in begun.items() if n > 1}
    assert len(begun) == 20
    assert 1 <= len(again) <= 8, again  # those that ran there, or whose results lay there


def warm(executor: Executor) -> None:
    """Wait until both nodes have workers: a new one takes seconds to start them."""
    for _ in range(60):
        if len(set(executor.map(node_of, range(8)))) == 2:
            return
    raise AssertionError("the second node got no task")


def test_a_task_that_fits_no_node_is_told(cluster: Any) -> None:
    for threads, gpus in ((64, 0), (1, 1)):
        with (
            opened("ray", address=cluster.address, threads=threads) as executor,
            pytest.raises(RunError, match=f"a task asks for {threads} cores and {gpus} GPUs"),
        ):
            next(executor.map(slow_square, [1], gpus=gpus))


def test_what_takes_long_holds_up_no_other(cluster: Any, tmp_path: Path) -> None:
    node = another_node(cluster)
    taken, found = tmp_path / "taken", []
    with opened("ray", address=cluster.address) as executor:
        cluster.wait_for_nodes()
        for i in executor.map_as_ended(held_up, [(str(taken), i) for i in range(4)]):
            found.append(i)
            taken.touch()
    cluster.remove_node(node)
    assert found[0] != 0 and sorted(found) == [0, 1, 2, 3]


def test_no_cluster_is_told() -> None:
    # by itself: Ray may end the process
    code = (
        "from skerry.errors import RunError\n"
        "from skerry.executors.executor import opened\n"
        "try:\n"
        "    with opened('ray', address='127.0.0.1:6'): pass\n"
        "except RunError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=90)
    assert "no Ray cluster at '127.0.0.1:6'" in done.stdout, done.stderr


@pytest.fixture(scope="module")
def small_shards(config: Config) -> Config:
    return from_mapping({"representations": {"shard_size": 10}}, config)


@pytest.fixture(scope="module")
def local_run(
    survey_folder: Path, small_shards: Config, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    output = tmp_path_factory.mktemp("local") / "run"
    pipeline.run(survey_folder, output, small_shards)
    return output


def test_a_run_that_loses_a_node_has_the_bytes_of_a_local_one(
    cluster: Any, survey_folder: Path, small_shards: Config, local_run: Path, tmp_path: Path
) -> None:
    node = another_node(cluster)
    lost = []

    def on_event(what: str, done: int, total: int) -> None:
        if what == "encoding" and 30 <= done < total and not lost:
            lost.append(done)
            cluster.remove_node(node, allow_graceful=False)

    with opened("ray", address=cluster.address) as executor:
        cluster.wait_for_nodes()
        pipeline.run(
            survey_folder, tmp_path / "run", small_shards, executor=executor, on_event=on_event
        )
    assert lost
    assert contents(tmp_path / "run") == contents(local_run)


def test_searches_on_two_nodes_have_the_bytes_of_local_ones(
    cluster: Any, planted_table: Path, planted_config: Config, judged: Path, tmp_path: Path
) -> None:
    node = another_node(cluster)
    ran: set[str] = set()
    try:
        with opened("ray", address=cluster.address) as executor:
            cluster.wait_for_nodes()
            ran = set(executor.map_as_ended(node_of, range(8)))
            pipeline.run(planted_table, tmp_path / "run", planted_config, executor=executor)
    finally:
        cluster.remove_node(node)
    assert len(ran) == 2
    assert contents(tmp_path / "run") == contents(judged)


@pytest.mark.parametrize("stage", ["searching featureless data", "repeating the search"])
def test_a_search_that_loses_a_node_has_the_bytes_of_a_local_one(
    cluster: Any, planted_table: Path, planted_config: Config, judged: Path, tmp_path: Path,
    stage: str,
) -> None:  # fmt: skip
    node = another_node(cluster)
    told: list[tuple[int, int]] = []

    def on_event(what: str, done: int, total: int) -> None:
        if what == stage:
            told.append((done, total))
            if done == 2:
                cluster.remove_node(node, allow_graceful=False)

    with opened("ray", address=cluster.address) as executor:
        cluster.wait_for_nodes()
        pipeline.run(
            planted_table, tmp_path / "run", planted_config, executor=executor, on_event=on_event
        )
    total = told[0][1]
    assert told == [(i, total) for i in range(total + 1)] and total > 6
    assert contents(tmp_path / "run") == contents(judged)


def test_what_stops_a_local_run_stops_one_on_ray(
    cluster: Any, survey_folder: Path, small_shards: Config, tmp_path: Path
) -> None:
    import shutil

    survey = Path(shutil.copytree(survey_folder, tmp_path / "survey"))
    for path in sorted((survey / "images").iterdir())[:40]:
        path.write_bytes(b"nonsense")

    def stopped_by(executor: Executor | None, name: str) -> str:
        with pytest.raises(TooManyFailuresError) as caught:
            pipeline.run(survey, tmp_path / name, small_shards, executor=executor)
        return str(caught.value).replace(name, "run")

    with opened("ray", address=cluster.address) as executor:
        on_cluster = stopped_by(executor, "one")
    assert on_cluster == stopped_by(None, "two")
