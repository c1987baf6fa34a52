"""What does not fit is said, with what would; all advice was itself predicted to fit."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from skerry.config import Config, from_mapping
from skerry.discover.checks import Q_BELOW
from skerry.discover.nulls import fewest
from skerry.errors import DoesNotFitError
from skerry.planning import Machine, Plan, Rates, predict
from skerry.planning.advice import SHARDS, checked, duration, size
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
    number = int(re.findall(r"nulls.n=(\d+)", fewer)[0])
    assert 1 <= number < 20
    least = fewest(1, number, Q_BELOW)
    assert f"unless {least} candidates or more stand out as it does, instead of 1" in fewer


@pytest.mark.parametrize(("nulls", "share", "first"), [(200, 0.9, True), (20, 0.6, False)])
def test_fewer_nulls_come_first_only_where_a_class_alone_can_be_confirmed(
    nulls: int, share: float, first: bool
) -> None:
    config = from_mapping({"nulls": {"n": nulls}})
    whole = predict(work(10**5), RATES, config, MACHINE)
    advice = judged(10**5, MACHINE, share * whole.seconds / 3600, config).advice
    fewer, part, machine = (
        next(i for i, a in enumerate(advice) if words in a)
        for words in ("nulls.n=", "subsample of", "machine with")
    )
    assert (fewer < part) == (fewer < machine) == first


SLOW_SEARCH = replace(RATES, graph=replace(RATES.graph, linear=1e-3), encoding=1e-5)
SLOW_ENCODING = replace(RATES, encoding=1.0)


def late(rates: Rates, share: float, *, images: bool = True) -> Plan:
    """A run that may take a share of what it takes."""
    whole = predict(work(10**5, images=images), rates, Config(), MACHINE)
    return checked(whole, Config(), share * whole.seconds / 3600)


def test_encoding_on_shards_is_advised_where_the_rest_is_in_time() -> None:
    assert any(SHARDS in a and "gather on this one" in a for a in late(SLOW_ENCODING, 0.5).advice)
    assert not any(SHARDS in a for a in late(SLOW_SEARCH, 0.5).advice)
    tight = replace(MACHINE, memory=3 * 10**9)
    assert any(SHARDS in a for a in judged(10**6, tight).advice)
    assert not any(SHARDS in a for a in judged(10**6, tight, hours=0.01).advice)


def test_the_cores_that_are_advised_are_the_fewest_in_time() -> None:
    found = late(SLOW_SEARCH, 0.5)
    [more] = [a for a in found.advice if "cores as fast as these" in a]
    cores = int(re.findall(r"machine with (\d+) cores", more)[0])
    assert cores > 2 * MACHINE.cores  # what no core shares takes as long as before
    assert not later(found, cores) and later(found, cores - 1)


def test_more_threads_are_advised_before_another_machine() -> None:
    one = replace(MACHINE, cores=1, available=8)
    rates = replace(SLOW_SEARCH, side_by_side=1.0)
    whole = predict(work(10**5), rates, Config(), one)
    found = checked(whole, Config(), 0.5 * whole.seconds / 3600)
    number = int(re.findall(r"^--threads (\d+): more of the 8 cores", found.advice[0])[0])
    assert 2 <= number <= 8
    assert not any("machine with" in a for a in found.advice)

    small = replace(whole, machine=replace(one, memory=round(1.05 * whole.memory)))
    advice = checked(small, Config(), 0.5 * whole.seconds / 3600).advice
    assert not any(f"--threads {number}:" in a for a in advice)
    assert any(re.match(rf"--threads {number} and a machine with .* of memory", a) for a in advice)


def test_more_threads_than_cores_are_no_more_cores() -> None:
    crowded = replace(MACHINE, cores=64, available=2)
    rates = replace(SLOW_SEARCH, side_by_side=2.0)
    whole = predict(work(10**5), rates, Config(), crowded)
    found = checked(whole, Config(), 0.9 * whole.seconds / 3600)
    [more] = [a for a in found.advice if "cores as fast as these" in a]
    assert int(re.findall(r"machine with (\d+) cores", more)[0]) == 3
    assert not any("--threads" in a for a in found.advice)


def later(plan: Plan, cores: int) -> bool:
    """Whether so many cores do not make up for half of the time."""
    share = cores / MACHINE.cores
    rates = replace(
        plan.rates,
        side_by_side=share * plan.rates.side_by_side,
        encoding=plan.rates.encoding / share,
        second=plan.rates.second / share,
    )
    again = predict(plan.workload, rates, Config(), replace(MACHINE, cores=cores))
    return again.seconds > 0.5 * plan.seconds


def test_no_cores_are_advised_where_none_are_enough() -> None:
    assert not any("cores" in a for a in late(replace(RATES, start=1e5), 0.5).advice)


def test_one_machine_is_advised_that_has_all_that_is_lacking() -> None:
    found = judged(10**6, Machine(cores=4, memory=3 * 10**9, disk=10**8), hours=0.8)
    assert len(found.problems) == 3
    [machine] = [a for a in found.advice if "machine with" in a]
    assert all(w in machine for w in ("cores", "of memory", "a disk with"))
    assert not any("another folder" in a for a in found.advice)


def test_a_search_without_repeated_searches_is_said_to_confirm_nothing() -> None:
    [without] = [a for a in late(RATES, 0.9).advice if "subsamples=0" in a]
    assert "no class can be confirmed" in without


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
