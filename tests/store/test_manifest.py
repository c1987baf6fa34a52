from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from skerry.store import Manifest, drop_damaged, file_digest, read_manifest, write_manifest

MANIFEST = Manifest("s", "k", {"a": 1}, {"up": "d"}, {"numpy": "2"}, {"n": 3}, {"f": "hash"})


def test_round_trip(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    write_manifest(tmp_path, MANIFEST)
    assert read_manifest(tmp_path) == MANIFEST


def test_a_stage_whose_files_are_gone_is_not_done(tmp_path: Path) -> None:
    write_manifest(tmp_path, MANIFEST)
    assert read_manifest(tmp_path) is None


def test_a_damaged_manifest_is_none(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"stage": ')
    assert read_manifest(tmp_path) is None


def test_damaged_outputs_are_dropped(tmp_path: Path) -> None:
    manifest = replace(MANIFEST, outputs={})
    for name in ("good", "bad"):
        (tmp_path / name).write_text(name)
        manifest = replace(
            manifest, outputs={**manifest.outputs, name: file_digest(tmp_path / name)}
        )
    (tmp_path / "bad").write_text("other")
    assert drop_damaged(tmp_path, manifest) == ["bad"]
    assert [p.name for p in tmp_path.iterdir()] == ["good"]


def test_digest_depends_on_outputs_alone() -> None:
    assert MANIFEST.digest == replace(MANIFEST, key="other").digest
    assert MANIFEST.digest != replace(MANIFEST, outputs={"f": "other"}).digest
