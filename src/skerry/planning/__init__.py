"""What a run will cost on this machine, before any work."""

from skerry.planning.machine import this_machine
from skerry.planning.model import predict
from skerry.planning.plan import plan
from skerry.planning.types import Growth, Machine, Plan, Rates, StageCost, Workload

__all__ = [
    "Growth",
    "Machine",
    "Plan",
    "Rates",
    "StageCost",
    "Workload",
    "plan",
    "predict",
    "this_machine",
]
