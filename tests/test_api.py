from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

import skerry
from skerry.errors import ConfigError, InputError
from skerry.types import FloatArray
from skerry.using import ASSIGNED_SCHEMA, GROWN_SCHEMA
from tests.conftest import GROUP, N_GROUPS, N_SEA, write_vectors


def test_the_public_list() -> None:
    assert skerry.__all__ == [
        "Config", "Run", "SkerryError", "__version__", "add", "open", "run", "status",
    ]  # fmt: skip
    for name in skerry.__all__:
        assert getattr(skerry, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = skerry.nothing


def fits_holds(table: Table, path: Path) -> None:
    """No column is of Python objects, which FITS cannot hold."""
    table = table.copy()
    table.meta = {}
    table.write(path, format="fits")
    back = Table.read(path)
    assert back.colnames == table.colnames and len(back) == len(table)


def test_a_run_gives_tables(judged: Path, tmp_path: Path) -> None:
    run = skerry.open(judged)
    n = N_SEA + N_GROUPS * GROUP
    kept = {c.class_id for c in run.rare_classes if c.verdict != "rejected"}
    inside = sum(str(name) in kept for name in run.members["class_id"])
    assert len(run.unclustered) == n - inside
    assert set(np.unique(run.unclustered["nearest_class"])) == kept
    assert len(run.checks) == sum(len(c.checks) for c in run.rare_classes) > 0
    for name in ("classes", "members", "checks", "unclustered"):
        fits_holds(getattr(run, name), tmp_path / f"{name}.fits")


def test_a_class_grows(judged: Path, tmp_path: Path) -> None:
    run = skerry.open(judged)
    first, second = run.rare_classes[:2]
    found = run.grow(first.class_id, 5)
    assert found.colnames == GROWN_SCHEMA.names
    assert len(found) == 5 and list(found["order"]) == [1, 2, 3, 4, 5]
    assert not set(found["id_str"]) & set(first.members)
    assert list(run.grow(second.class_id, 5)["id_str"]) != list(found["id_str"])
    fits_holds(found, tmp_path / "t.fits")
    with pytest.raises(InputError, match="no class 'SKR-0'"):
        run.grow("SKR-0")


def test_others_are_placed(judged: Path, planted: FloatArray, tmp_path: Path) -> None:
    run = skerry.open(judged)
    vectors = planted[[0, 1, N_SEA]].copy()
    vectors[1, 0] = np.inf
    table = write_vectors(tmp_path / "t.parquet", vectors)
    placed = run.assign(table)
    assert placed.colnames == ASSIGNED_SCHEMA.names
    assert [bool(name) for name in placed["class_id"]] == [False, False, True]
    assert [bool(reason) for reason in placed["failure"]] == [False, True, False]
    assert np.isnan(placed["p_value"]).tolist() == [False, True, False]
    assert [c["placed"] for c in placed.meta["classes"]].count(1) == 1
    assert placed.meta["warnings"] == []
    fits_holds(placed, tmp_path / "t.fits")
    # without a failure the same columns are of the same kinds
    sound = run.assign(write_vectors(tmp_path / "s.parquet", vectors[:1]))
    assert [sound[n].dtype.kind for n in sound.colnames] == list("UUfUfU")
    with pytest.raises(ConfigError, match="only sources"):
        run.assign(table, skerry.Config())
