from __future__ import annotations

import errno
from pathlib import Path

import pytest

from skerry.errors import DiskError
from skerry.store import replacing, write_bytes


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_bytes(path, b"old")
    with pytest.raises(RuntimeError), replacing(path) as partial:
        partial.write_bytes(b"half")
        raise RuntimeError
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize(
    ("code", "words"), [(errno.ENOSPC, "disk is full"), (errno.EACCES, "cannot be written")]
)
def test_a_disk_that_refuses_is_explained(tmp_path: Path, code: int, words: str) -> None:
    with pytest.raises(DiskError, match=words), replacing(tmp_path / "a"):
        raise OSError(code, "no")
    assert not list(tmp_path.iterdir())


def test_folders_are_made(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a" / "b", b"x")
    assert (tmp_path / "a" / "b").read_bytes() == b"x"


def test_two_writers_of_one_file_do_not_share_a_temporary_name(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with replacing(path) as first, replacing(path) as second:
        first.write_bytes(b"first")
        second.write_bytes(b"second")
        # clean-up of killed processes' leftovers goes by this
        assert all(p.match(".*.part") for p in (first, second))
    assert path.read_bytes() == b"first"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
