"""A small run, and another part of the same survey to add to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from skerry import pipeline
from skerry.adding.add import add
from skerry.config import Config
from skerry.types import FloatArray
from tests.conftest import write_vectors

IDS = np.array([f"s{i:03d}" for i in range(600)])
ORDER = np.random.default_rng(5).permutation(600)
FIRST, NEW, NEWEST = np.split(ORDER, [450, 550])


@pytest.fixture(scope="session")
def adding_config(planted_config: Config) -> Config:
    return replace(
        planted_config,
        representations=replace(planted_config.representations, shard_size=100),
        nulls=replace(planted_config.nulls, n=2),
        replication=replace(planted_config.replication, subsamples=1),
    )


@pytest.fixture(scope="session")
def tables(planted: FloatArray, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("tables")
    rows = {"first": FIRST, "new": NEW, "newest": NEWEST, "both": ORDER[:550], "all": ORDER}
    return {
        name: write_vectors(folder / f"{name}.parquet", planted[-600:][at], IDS[at])
        for name, at in rows.items()
    }


@pytest.fixture(scope="session")
def first_run(
    tables: dict[str, Path], adding_config: Config, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A run on the first part."""
    output = tmp_path_factory.mktemp("first") / "run"
    pipeline.run(tables["first"], output, adding_config, threads=1)
    return output


@pytest.fixture(scope="session")
def added_run(
    first_run: Path, tables: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The run with the new part added."""
    output = tmp_path_factory.mktemp("added") / "run"
    add(first_run, tables["new"], output, threads=1)
    return output
