"""A workload, rates and a machine to predict with."""

from __future__ import annotations

from skerry.planning import Growth, Machine, Rates, Workload

RATES = Rates(
    opening=0.5,
    encoding=1e-3,
    second=2e-3,
    graph=Growth(9e-9, 8e-7),
    rest=Growth(3e-9, 4e-7),
    communities=1.5e-5,
    indexed=5e-5,
    drawing=8e-6,
    layout=3e-6,
    clusterer=3e-5,
    start=5.0,
    side_by_side=3.0,
    resident=5 * 10**8,
)
MACHINE = Machine(cores=4, memory=64 * 10**9, disk=10**12)


def work(n: int, *, images: bool = True) -> Workload:
    return Workload(n, images, 128, 37, 60 * n)
