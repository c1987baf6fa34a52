"""Whether a run fits a machine, and which settings would make it fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from skerry.config import Config
from skerry.discover.assemble import must_stand_out
from skerry.errors import InputError
from skerry.planning.model import predict
from skerry.planning.types import Plan, Workload

SHARDS = "skerry encode --shards"

_CORES = 300  # times as many as here are looked at, at most


def checked(plan: Plan, config: Config, hours: float = 0.0) -> Plan:
    """The same with its problems, and what would each solve all of them.

    Memory and disk are held as predicted against what is there; ``hours``, 0 for any, against
    the predicted time. All that is advised was predicted to fit.
    """
    problems = list(_problems(plan, hours))
    advice = list(_Advice(plan, config, hours).all()) if problems else []
    notes = list(plan.notes)
    if not problems and plan.memory > 0.7 * plan.machine.memory:
        notes.append("The memory that is free now is little more than what the run needs.")
    return replace(plan, problems=tuple(problems), advice=tuple(advice), notes=tuple(notes))


def _problems(plan: Plan, hours: float) -> Iterator[str]:
    if plan.memory > plan.machine.memory:
        worst = max(plan.stages, key=lambda stage: stage.memory)
        yield (
            f"{worst.name} needs {size(plan.memory)} of memory, and {size(plan.machine.memory)} "
            "can be had"
        )
    if plan.disk > plan.machine.disk:
        yield (
            f"the run's folder needs {size(plan.disk)} of disk, and {size(plan.machine.disk)} "
            "are free there"
        )
    if hours and plan.seconds > 3600 * hours:
        yield f"the run takes {duration(plan.seconds)}, more than the {hours:g} h allowed"


class _Advice:
    def __init__(self, plan: Plan, config: Config, hours: float) -> None:
        self.plan, self.config, self.hours = plan, config, hours
        self.work, self.rates, self.machine = plan.workload, plan.rates, plan.machine

    def all(self) -> Iterator[str]:
        machine, n = self.machine, self.work.sources
        more = self._in_time()
        if machine.cores < more <= machine.there and self._good(self._on(more)):
            yield f"--threads {more}: more of the {machine.there} cores here"
        most = min(machine.cores - 1, machine.there)
        threads = _most(lambda t: self._on(t).memory <= machine.memory, most)
        if threads and self._good(self._on(threads)):  # fewer take longer
            yield f"--threads {threads}: fewer searches side by side"
        fewer = _most(lambda k: self._fits(self._with_nulls(k)), self.config.nulls.n - 1)
        least = must_stand_out(n, self._with_nulls(fewer))
        if fewer and least == 1:
            yield f"-s nulls.n={fewer}: fewer searches of featureless data, so that q is coarser"
        part = _most(lambda m: self._fits(work=replace(self.work, sources=m)), n - 1)
        if part >= 200:
            yield f"a subsample of {_round(part):,} of the {n:,} sources"
        yield from self._shards()
        yield from self._another()
        # what leaves little or nothing to be confirmed comes last
        if fewer and least > 1:
            yield (
                f"-s nulls.n={fewer}: fewer searches of featureless data, so that no class can be "
                f"confirmed unless {least} candidates or more stand out as it does, instead of "
                f"{must_stand_out(n, self.config)}"
            )
        without = replace(
            self.config, replication=replace(self.config.replication, subsamples=0, seeds=0)
        )
        if self._fits(without):
            yield (
                "-s replication.subsamples=0 -s replication.seeds=0: no repeated searches, so "
                "that no class can be confirmed"
            )

    def _shards(self) -> Iterator[str]:
        """Encoding on several machines, where the rest is then in time."""
        plan, machine = self.plan, self.machine
        elsewhere = plan.memory > machine.memory or plan.disk > machine.disk
        for stage in plan.stages:
            here = stage.name == "representations" and stage.memory <= machine.memory
            helps = plan.memory > machine.memory or (self._slow(plan.seconds) and not stage.gpu)
            if not (self.work.images and here and helps):
                continue
            if not self._slow(plan.seconds - stage.seconds):
                yield (
                    f"{SHARDS} on this machine and others, each a part of the "
                    f"{self.work.sources:,} sources ({duration(stage.seconds)} on this one "
                    f"alone), then skerry gather on {'a larger one' if elsewhere else 'this one'}"
                )

    def _another(self) -> Iterator[str]:
        """A machine, or a disk, that has all of what this one lacks."""
        plan, machine, cores = self.plan, self.machine, self.machine.cores
        lacks, threads = [], ""
        if self._slow(plan.seconds):
            cores = self._in_time()
            if not cores:
                return
            if cores > machine.there:
                lacks.append(f"{cores} cores as fast as these")
            else:
                threads = f"--threads {cores} and "
        memory = self._on(cores).memory
        if memory > machine.memory:
            lacks.append(f"{size(1.3 * memory)} of memory")
        if plan.disk > machine.disk:
            free = f"{size(1.3 * plan.disk)} free"
            if not lacks:
                yield f"{threads}another folder with -o, on a disk with {free}"
                return
            lacks.append(f"a disk with {free}")
        if lacks:
            yield f"{threads}a machine with {' and '.join(lacks)}"

    def _in_time(self) -> int:
        """The fewest cores as fast as these on which the run is in time; 0 where none are enough,
        or where it is in time as it is."""
        most = _CORES * self.machine.there
        if not self._slow(self.plan.seconds):
            return 0
        cores = 1 + _most(lambda c: self._slow(self._on(c).seconds), most)
        return cores if cores <= most else 0

    def _slow(self, seconds: float) -> bool:
        return self.hours > 0 and seconds > 3600 * self.hours

    def _on(self, cores: int) -> Plan:
        """The run on so many cores as fast as these, in proportion to their number."""
        rates, share = self.rates, cores / self.machine.busy
        if self.config.representations.device == "cpu":
            rates = replace(rates, encoding=rates.encoding / share, second=rates.second / share)
        rates = replace(rates, side_by_side=rates.side_by_side * share)
        machine = replace(self.machine, cores=cores, available=max(cores, self.machine.there))
        return predict(self.work, rates, self.config, machine)

    def _with_nulls(self, n: int) -> Config:
        return replace(self.config, nulls=replace(self.config.nulls, n=n))

    def _fits(self, config: Config | None = None, *, work: Workload | None = None) -> bool:
        work = work or self.work
        if work is not self.work:  # a smaller catalog, of the same width
            share = work.sources / self.work.sources
            work = replace(work, catalog_bytes=round(self.work.catalog_bytes * share))
        try:
            found = predict(work, self.rates, config or self.config, self.machine)
        except InputError:  # too few sources to be searched at all
            return False
        return self._good(found)

    def _good(self, plan: Plan) -> bool:
        return not list(_problems(plan, self.hours))


def _most(holds: Callable[[int], bool], most: int) -> int:
    """The largest of 1 to ``most`` that holds, where smaller ones hold too; 0 for none."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low


def _round(n: int) -> int:
    """Down to two digits."""
    step: int = 10 ** max(0, len(str(n)) - 2)
    return n // step * step


def size(n: float) -> str:
    """Bytes in words: ``1.2 GB``."""
    return f"{n / 1e9:.3g} GB" if n >= 1e9 else f"{n / 1e6:.0f} MB"


def duration(seconds: float) -> str:
    """Seconds in words: ``40 s``, ``12 min``, ``3.5 h``, ``12 days``."""
    if seconds < 100:
        return f"{seconds:.2g} s"
    if seconds < 6000:
        return f"{seconds / 60:.2g} min"
    return f"{seconds / 3600:.2g} h" if seconds < 4 * 86_400 else f"{seconds / 86_400:.3g} days"
