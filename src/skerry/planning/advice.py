"""Whether a run fits a machine, and which settings would make it fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from skerry.config import Config
from skerry.errors import InputError
from skerry.planning.model import predict
from skerry.planning.types import Machine, Plan, Rates, Workload

SHARDS = "skerry encode --shards"


def checked(plan: Plan, config: Config, hours: float = 0.0) -> Plan:
    """The same with its problems, and for each what would solve it.

    Memory and disk are held as predicted against what is there; ``hours``, 0 for any, against
    the predicted time. Settings and subsamples that are advised were predicted to fit.
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
        plan, machine, n = self.plan, self.machine, self.work.sources
        lacks_memory, slow = plan.memory > machine.memory, self._slow(plan)
        threads = _most(lambda t: self._fits(machine=replace(machine, cores=t)), machine.cores - 1)
        if threads:
            yield f"--threads {threads}: fewer searches side by side"
        fewer = _most(lambda k: self._fits(self._with_nulls(k)), self.config.nulls.n - 1)
        if fewer:
            yield f"-s nulls.n={fewer}: fewer searches of featureless data, so that q is coarser"
        without = replace(
            self.config, replication=replace(self.config.replication, subsamples=0, seeds=0)
        )
        if self._fits(without):
            yield "-s replication.subsamples=0 -s replication.seeds=0: no repeated searches"
        part = _most(lambda m: self._fits(work=replace(self.work, sources=m)), n - 1)
        if part >= 200:
            yield f"a subsample of {_round(part):,} of the {n:,} sources"
        encoding = [s for s in plan.stages if s.name == "representations" and self.work.images]
        for stage in encoding:
            if (lacks_memory and stage.memory <= machine.memory) or (slow and stage.gpu == 0):
                yield (
                    f"{SHARDS} on this machine and others, each a part of the {n:,} sources "
                    f"({duration(stage.seconds)} on this one alone), then skerry gather on a "
                    "larger one"
                )
        if lacks_memory:
            yield f"a machine with {size(1.3 * plan.memory)} of memory"
        if plan.disk > machine.disk:
            yield f"another folder with -o, on a disk with {size(1.3 * plan.disk)} free"
        if slow:
            more = plan.seconds / (3600 * self.hours)
            yield f"a machine with {more:.3g} times as many cores as fast as these"

    def _slow(self, plan: Plan) -> bool:
        return self.hours > 0 and plan.seconds > 3600 * self.hours

    def _with_nulls(self, n: int) -> Config:
        return replace(self.config, nulls=replace(self.config.nulls, n=n))

    def _fits(
        self,
        config: Config | None = None,
        *,
        work: Workload | None = None,
        machine: Machine | None = None,
    ) -> bool:
        work = work or self.work
        if work is not self.work:  # a smaller catalog, of the same width
            share = work.sources / self.work.sources
            work = replace(work, catalog_bytes=round(self.work.catalog_bytes * share))
        rates: Rates = self.rates
        try:
            found = predict(work, rates, config or self.config, machine or self.machine)
        except InputError:  # too few sources to be searched at all
            return False
        return not list(_problems(found, self.hours))


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
