"""Inputs are paths or addresses, kept by a run as they are found again."""

from __future__ import annotations

from pathlib import Path

import pytest

from skerry.errors import RunError
from skerry.store.addresses import is_address, local, settled
from skerry.store.runfolder import claim


@pytest.mark.parametrize(
    "text, is_one",
    [
        ("s3://bucket/a", True), ("HTTPS://x.org/a.csv", True), ("memory://a", True),
        ("/a/b", False), ("a/b", False), ("C:/a", False), ("file:///a/b", False), ("a:b", False),
    ],
)  # fmt: skip
def test_what_is_an_address(text: str, is_one: bool) -> None:
    assert is_address(text) == is_one


def test_inputs_are_kept_as_they_are_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "a b")
    real = str((tmp_path / "a b").resolve())
    assert settled("link") == settled(tmp_path / "a b") == settled("a b/") == real
    assert settled(f"file://{tmp_path}/a%20b") == real
    assert local("file:///x/a%20b") == Path("/x/a b")
    assert settled("s3://bucket/a/") == settled("s3://bucket/a") == "s3://bucket/a"


def test_a_folder_belongs_to_its_address(tmp_path: Path) -> None:
    folder = claim(tmp_path / "run", "s3://bucket/a/")
    assert folder.input == "s3://bucket/a"
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.toml").write_text('input = "s3://bucket/a"\n')
    assert claim(tmp_path / "run", "s3://bucket/a").input == folder.input
    with pytest.raises(RunError, match="belongs to a run on s3://bucket/a, not on s3://bucket/b"):
        claim(tmp_path / "run", "s3://bucket/b")
