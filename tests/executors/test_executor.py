"""What every executor keeps to."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from skerry.errors import ConfigError, InputError
from skerry.executors.executor import Executor, opened
from skerry.executors.local import Local
from skerry.executors.processes import Processes
from tests.executors.tasks import failing, held_up, slow_square

ROOT = Path(__file__).parents[2]

Mapped = Callable[[Executor], Callable[..., Iterator[Any]]]
"""One of an executor's ways to map."""


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


def in_order(executor: Executor) -> Callable[..., Iterator[Any]]:
    return executor.map


def as_ended(executor: Executor) -> Callable[..., Iterator[Any]]:
    return executor.map_as_ended


def test_results_come_in_order(executor: Executor) -> None:
    assert list(executor.map(slow_square, range(20))) == [i * i for i in range(20)]


def test_every_result_comes_as_tasks_end(executor: Executor) -> None:
    found = list(executor.map_as_ended(slow_square, range(20)))
    assert sorted(found) == [i * i for i in range(20)]


@pytest.mark.parametrize("mapped", [in_order, as_ended])
def test_nothing_gives_nothing(executor: Executor, mapped: Mapped) -> None:
    assert list(mapped(executor)(slow_square, [])) == []


@pytest.mark.parametrize("mapped", [in_order, as_ended])
def test_items_are_drawn_only_a_little_ahead(executor: Executor, mapped: Mapped) -> None:
    drawn = itertools.count()
    results = mapped(executor)(slow_square, drawn)
    assert {next(results) for _ in range(10)} <= {i * i for i in range(20)}
    assert next(drawn) < 20


@pytest.mark.parametrize("mapped", [in_order, as_ended])
def test_an_error_is_the_tasks_own_and_ends_it(executor: Executor, mapped: Mapped) -> None:
    drawn = itertools.count()
    results = mapped(executor)(failing, drawn)
    with pytest.raises(InputError, match=r"^item [34] is bad; mend it$"):
        list(results)
    assert next(drawn) < 12


def test_the_first_error_is_that_of_the_first_item(executor: Executor) -> None:
    results = executor.map(failing, range(12))
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(InputError, match=r"^item 3 is bad; mend it$"):
        next(results)


@pytest.mark.parametrize("executor", ["threads", "processes"], indirect=True)
def test_what_takes_long_holds_up_no_other(executor: Executor, tmp_path: Path) -> None:
    taken, found = tmp_path / "taken", []
    for i in executor.map_as_ended(held_up, [(str(taken), i) for i in range(4)]):
        found.append(i)
        taken.touch()
    assert found[0] != 0 and sorted(found) == [0, 1, 2, 3]


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
