"""What does not fit is said, with what would; all advice was itself predicted to fit."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from skerry.config import Config
from skerry.errors import DoesNotFitError
from skerry.planning import Machine, Plan, predict
from skerry.planning.advice import checked, duration, size
from skerry.planning.plan import require_fit
from tests.planning.made import MACHINE, RATES, work


def judged(n: int, machine: Machine, hours: float = 0.0, config: Config | None = None) -> Plan:
    config = config or Config()
    return checked(predict(work(n), RATES, config, machine), config, hours)


def test_what_fits_is_left_alone() -> None:
    found = judged(10**5, MACHINE)
    assert not found.problems and not found.advice
    require_fit(found)


def test_too_little_memory_is_refused_with_advice() -> None:
    found = judged(10**6, replace(MACHINE, memory=3 * 10**9))
    [problem] = found.problems
    assert "memory" in problem and "3 GB" in problem
    with pytest.raises(DoesNotFitError) as error:
        require_fit(found)
    words = str(error.value)
    assert all(w in words for w in ("subsample", "machine with", "--shards", "gather"))


def test_fewer_threads_are_advised_where_they_suffice() -> None:
    one = predict(work(10**5), RATES, Config(), replace(MACHINE, cores=1))
    found = judged(10**5, replace(MACHINE, memory=round(1.05 * one.memory)))
    threads = next(a for a in found.advice if a.startswith("--threads"))
    number = int(re.findall(r"\d+", threads)[0])
    assert not judged(
        10**5, replace(MACHINE, cores=number, memory=round(1.05 * one.memory))
    ).problems
    assert judged(
        10**5, replace(MACHINE, cores=number + 1, memory=round(1.05 * one.memory))
    ).problems


def test_the_subsample_that_is_advised_fits() -> None:
    tight = replace(MACHINE, memory=3 * 10**9)
    found = judged(10**7, tight)
    part = next(a for a in found.advice if "subsample" in a)
    n = int(re.findall(r"subsample of ([\d,]+)", part)[0].replace(",", ""))
    assert 0 < n < 10**7
    assert not judged(n, tight).problems
    assert judged(2 * n, tight).problems


def test_too_small_a_disk_is_refused() -> None:
    found = judged(10**6, replace(MACHINE, disk=10**8))
    [problem] = found.problems
    assert "disk" in problem and "100 MB" in problem
    assert any("another folder with -o" in a for a in found.advice)


def test_a_limit_of_time_asks_for_fewer_nulls() -> None:
    whole = judged(10**5, MACHINE)
    hours = 0.6 * whole.seconds / 3600
    found = judged(10**5, MACHINE, hours)
    assert "allowed" in found.problems[0]
    fewer = next(a for a in found.advice if "nulls.n=" in a)
    assert 1 <= int(re.findall(r"nulls.n=(\d+)", fewer)[0]) < 20


def test_little_room_is_noted() -> None:
    needed = judged(10**6, MACHINE).memory
    found = judged(10**6, replace(MACHINE, memory=round(1.1 * needed)))
    assert not found.problems and any("little more" in note for note in found.notes)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (size(1.25e9), "1.25 GB"),
        (size(3e6), "3 MB"),
        (duration(42), "42 s"),
        (duration(720), "12 min"),
        (duration(9000), "2.5 h"),
        (duration(864_000), "10 days"),
    ],
)
def test_words(found: str, words: str) -> None:
    assert found == words
