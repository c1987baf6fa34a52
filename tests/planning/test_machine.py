"""What the machine allows: cores, memory, the disk."""

from __future__ import annotations

from pathlib import Path

from skerry.executors.local import available_threads
from skerry.planning.machine import this_machine


def test_a_folder_that_is_not_there_yet_has_the_disk_above_it(tmp_path: Path) -> None:
    found = this_machine(tmp_path / "not" / "there", threads=3)
    assert found.disk > 0 and found.memory > 0
    assert found.cores == 3 and found.there == available_threads()
    assert not list(tmp_path.iterdir())
