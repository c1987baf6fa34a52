"""Memory that is left here, by what the system and its control groups allow."""

from __future__ import annotations

from pathlib import Path

_UNKNOWN = 2**62


def available_memory(root: Path = Path("/")) -> int:
    """Bytes that a process may still take: ``MemAvailable``, less where a control group says so.

    Both versions of control groups are looked at, each group with all above it (Linux,
    Documentation/admin-guide/cgroup-v2.rst). What files they hold in the cache counts as free.
    2^62 where nothing is known, as outside Linux.
    """
    found = [_UNKNOWN]
    for line in _lines(root / "proc/meminfo"):
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            found.append(1024 * int(value.split()[0]))
    for line in _lines(root / "proc/self/cgroup"):
        number, kinds, path = line.split(":", 2)
        if number == "0" and not kinds:
            bases = [root / "sys/fs/cgroup", root / "sys/fs/cgroup/unified"]
            names = "memory.max", "memory.current", "inactive_file"
        elif "memory" in kinds.split(","):
            bases = [root / "sys/fs/cgroup/memory"]
            names = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
        else:
            continue
        for base in bases:
            group = base / path.strip("/")
            while group.is_relative_to(base):
                found.append(_left(group, *names))
                group = group.parent
    return max(0, min(found))


def _left(group: Path, limit: str, used: str, cached: str) -> int:
    most, now = _lines(group / limit), _lines(group / used)
    if not most or not now or not most[0].isdigit():  # "max": no limit
        return _UNKNOWN
    files = [line.split()[1] for line in _lines(group / "memory.stat") if line.split()[0] == cached]
    return int(most[0]) - int(now[0]) + (int(files[0]) if files else 0)


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text().splitlines() if line.strip()]
    except OSError:
        return []
