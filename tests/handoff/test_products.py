"""A change of how products are written makes products again, and no search."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from skerry import pipeline, publish
from skerry.config import Config
from skerry.store import read_manifest
from skerry.using import Finished


def test_only_products_are_made_again(
    judged: Path,
    planted_table: Path,
    planted_config: Config,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = tmp_path / "run"
    shutil.copytree(judged, run)
    assert pipeline.run(planted_table, run, planted_config)["skipped"][-1] == "products"
    monkeypatch.setattr(publish, "FORMAT", publish.FORMAT + 1)
    assert Finished(run).classes  # an earlier run is used as it is
    skipped = pipeline.run(planted_table, run, planted_config)["skipped"]
    assert skipped == [stage.name for stage in pipeline.STAGES if stage.name != "products"]
    again = {p.name: p.read_bytes() for p in (run / "products").iterdir() if p.suffix != ".json"
             and p.is_file()}  # fmt: skip
    assert again == {name: (judged / "products" / name).read_bytes() for name in again}


def test_a_run_without_positions_has_what_it_can(judged: Path) -> None:
    names = {p.name for p in (judged / "products").iterdir()}
    assert {"members.ecsv", "CITATION.txt", "CITATION.bib"} <= names
    assert not {"footprint.moc.fits", "footprint.moc.json", "regions"} & names
    assert pq.read_table(judged / "products" / "members.parquet")["ra"].null_count > 0


def test_a_run_with_positions_has_regions_and_a_footprint(finished: Path) -> None:
    names = {p.name for p in (finished / "products").iterdir()}
    assert {"footprint.moc.fits", "footprint.moc.json", "regions"} <= names
    made = read_manifest(finished / "products")
    assert made and "footprint.moc.fits" in made.outputs
    assert {"mocpy", "numpy"} <= set(made.versions)
    assert sum(name.startswith("regions/") for name in made.outputs) == len(
        Finished(finished).classes
    )
    said = (finished / "products" / "CITATION.txt").read_text(encoding="utf-8")
    assert f"numpy {made.versions['numpy']}" in said and "150 sources" in said
