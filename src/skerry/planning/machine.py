"""What this machine has: cores, memory by what the system and its control groups allow, disk."""

from __future__ import annotations

import shutil
from pathlib import Path

from skerry.backends import card
from skerry.executors.local import available_threads
from skerry.executors.memory import available_memory
from skerry.planning.types import Machine


def this_machine(output: Path, *, threads: int = 0, gpu: bool = False) -> Machine:
    """This machine as a run finds it whose folder is to be ``output``, which need not be there.

    ``threads``: those of the run, 0 for one on each core.
    ``gpu``: whether one is asked for; loading what drives it takes seconds.
    """
    there = next(p for p in (output.absolute(), *output.absolute().parents) if p.exists())
    available = available_threads()
    return Machine(
        cores=threads or available,
        available=available,
        memory=available_memory(),
        disk=shutil.disk_usage(there).free,
        gpu=card.name() if gpu and not card.lacking() else "",
    )
