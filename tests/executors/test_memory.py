"""What the system allows, and control groups of both versions."""

from __future__ import annotations

from pathlib import Path

import pytest

from skerry.executors.memory import available_memory

GIB = 2**30


def write(root: Path, files: dict[str, object]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    return root


MEMINFO = {"proc/meminfo": f"MemTotal: 99999999 kB\nMemAvailable:   {8 * GIB // 1024} kB"}


def test_without_groups_it_is_what_the_system_has(tmp_path: Path) -> None:
    assert available_memory(write(tmp_path, MEMINFO)) == 8 * GIB


def test_the_narrowest_group_above_counts(tmp_path: Path) -> None:
    files = {
        **MEMINFO,
        "proc/self/cgroup": "0::/job/step",
        "sys/fs/cgroup/job/memory.max": 4 * GIB,
        "sys/fs/cgroup/job/memory.current": 3 * GIB,
        "sys/fs/cgroup/job/memory.stat": f"anon 5\ninactive_file {GIB}",
        "sys/fs/cgroup/job/step/memory.max": "max",
        "sys/fs/cgroup/job/step/memory.current": GIB,
    }
    # 4 less 3, of which one is cache that the kernel gives up
    assert available_memory(write(tmp_path, files)) == 2 * GIB


def test_groups_of_the_first_version_count(tmp_path: Path) -> None:
    files = {
        **MEMINFO,
        "proc/self/cgroup": "5:cpu:/\n4:memory:/box",
        "sys/fs/cgroup/memory/box/memory.limit_in_bytes": 3 * GIB,
        "sys/fs/cgroup/memory/box/memory.usage_in_bytes": GIB,
        "sys/fs/cgroup/memory/memory.limit_in_bytes": 2**63 - 4096,
        "sys/fs/cgroup/memory/memory.usage_in_bytes": GIB,
    }
    assert available_memory(write(tmp_path, files)) == 2 * GIB


@pytest.mark.parametrize("used", [5 * GIB, 2 * GIB])
def test_never_below_nothing(tmp_path: Path, used: int) -> None:
    files = {
        **MEMINFO,
        "proc/self/cgroup": "0::/",
        "sys/fs/cgroup/memory.max": 2 * GIB,
        "sys/fs/cgroup/memory.current": used,
    }
    assert available_memory(write(tmp_path, files)) == 0
