"""What every executor keeps to."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from skerry.errors import ConfigError, InputError
from skerry.executors.executor import Executor, opened
from skerry.executors.local import Local
from skerry.executors.processes import Processes
from tests.executors.tasks import failing, slow_square

ROOT = Path(__file__).parents[2]


@pytest.fixture(
    params=["serial", "threads", "processes", pytest.param("ray", marks=pytest.mark.ray)]
)
def executor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Executor]:
    monkeypatch.syspath_prepend(ROOT)  # a new process finds the tasks
    if request.param != "ray":
        yield {"serial": Local(1), "threads": Local(2), "processes": Processes(2)}[request.param]
        return
    cluster = request.getfixturevalue("cluster")
    with opened("ray", address=cluster.address) as found:
        yield found


def test_results_come_in_order(executor: Executor) -> None:
    assert list(executor.map(slow_square, range(20))) == [i * i for i in range(20)]


def test_nothing_gives_nothing(executor: Executor) -> None:
    assert list(executor.map(slow_square, [])) == []


def test_items_are_drawn_only_a_little_ahead(executor: Executor) -> None:
    drawn = itertools.count()
    results = executor.map(slow_square, drawn)
    assert [next(results) for _ in range(10)] == [i * i for i in range(10)]
    assert next(drawn) < 20


def test_the_first_error_is_the_tasks_own_and_ends_it(executor: Executor) -> None:
    drawn = itertools.count()
    results = executor.map(failing, drawn)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(InputError, match=r"^item 3 is bad; mend it$"):
        next(results)
    assert next(drawn) < 12


def test_an_unknown_name_is_told() -> None:
    words = "no executor 'slurm'; expected one of local, ray"
    with pytest.raises(ConfigError, match=words), opened("slurm"):
        pass


def test_local_has_as_many_threads_as_asked() -> None:
    with opened(threads=3) as found:
        assert found == Local(3)
    assert found.here and not Processes(2).here


def test_without_ray_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"pip install 'skerry\[ray\]'"), opened("ray"):
        pass
