from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import joblib
import pytest

from skerry.errors import DiskError, RunError
from skerry.executors.processes import Processes, map_on_processes

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new process finds the tasks below."""
    monkeypatch.syspath_prepend(ROOT)


def slow_square(i: int) -> int:
    time.sleep(0.002 * (i % 3))
    return i * i


def own_process(_: int) -> int:
    return os.getpid()


def failing(i: int) -> int:
    if i == 3:
        raise ValueError("three")
    return i


def killed(i: int) -> int:
    if i == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return i


def forever(path: str) -> None:
    Path(path).write_text(str(os.getpid()))
    time.sleep(60)


def test_results_come_in_order() -> None:
    assert list(map_on_processes(slow_square, range(20), 2)) == [i * i for i in range(20)]


def test_one_process_is_this_one() -> None:
    assert list(map_on_processes(own_process, range(2), 1)) == [os.getpid()] * 2


@pytest.mark.parametrize("processes", [1, 2])
def test_the_first_error_ends_it(processes: int) -> None:
    with pytest.raises(ValueError, match="three"):
        list(map_on_processes(failing, range(1000), processes))


def test_a_process_that_is_killed_is_told() -> None:
    with pytest.raises(RunError, match="one of 2 processes was ended"):
        list(map_on_processes(killed, range(10), 2))


def test_no_process_outlives_its_parent(tmp_path: Path) -> None:
    where = [str(tmp_path / name) for name in ("a", "b")]
    code = (
        "from tests.executors.test_processes import forever\n"
        "from skerry.executors.processes import map_on_processes\n"
        f"list(map_on_processes(forever, {where}, 2))"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    wait_for(lambda: all(Path(w).is_file() and Path(w).read_text() for w in where))
    children = [int(Path(w).read_text()) for w in where]
    parent.kill()
    parent.wait()
    wait_for(lambda: not any(alive(child) for child in children))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_parent_that_is_ended_leaves_no_process_and_no_file(
    tmp_path: Path, how: signal.Signals
) -> None:
    began, temporary = tmp_path / "began", tmp_path / "temporary"
    began.mkdir()
    temporary.mkdir()
    code = (
        "from skerry.executors.processes import Processes\n"
        "from tests.executors.tasks import slow\n"
        f"items = [({str(began)!r}, i) for i in range(1, 9)]\n"
        "try:\n"
        "    list(Processes(2).map_as_ended(slow, items))\n"
        "except KeyboardInterrupt:\n"
        "    pass\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(temporary)},
        start_new_session=True,
        stderr=subprocess.PIPE,
    )
    wait_for(lambda: len(list(began.iterdir())) == 2)
    if how == signal.SIGINT:
        os.killpg(parent.pid, how)  # as Ctrl-C does: each process of the group has it
    else:
        parent.send_signal(how)
    _, told = parent.communicate(timeout=30)  # tasks take a minute: it waits for none of them
    assert b"KeyboardInterrupt" not in told
    wait_for(lambda: not list(temporary.glob("skerry-*")))
    assert len(list(began.iterdir())) == 2


def test_what_cannot_be_shared_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(joblib, "dump", full)
    with pytest.raises(DiskError, match=r"No space left.*TMPDIR"):
        list(Processes(2).map_as_ended(slow_square, range(3)))


def wait_for(holds: Callable[[], bool]) -> None:
    for _ in range(600):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come about within 30 s")


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended but is not yet waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
