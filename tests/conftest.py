"""Two small surveys and a finished run of each, shared by the tests of the whole way through.

One is drawn, to be encoded; the other is of representations with planted groups, which is quick.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import settings

from skerry import pipeline
from skerry.config import Config, from_mapping
from skerry.simulate import sky_of
from skerry.simulate.survey import simulate
from skerry.types import FloatArray

# the machines are noisy, and a test must say the same every time
settings.register_profile("skerry", deadline=None, derandomize=True)
settings.load_profile("skerry")

N = 150


@pytest.fixture(scope="session")
def survey_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn") / "survey"
    catalog = simulate(folder, sky_of("sdss", n=N, seed=2), threads=1).catalog
    # in one folder, for tests that spoil or copy some
    for path in sorted((folder / "images").rglob("*.jpg")):
        path.rename(folder / "images" / path.name)
    (folder / "images" / "0000").rmdir()
    catalog.write_text(catalog.read_text().replace("images/0000/", "images/"))
    return folder


@pytest.fixture(scope="session")
def config() -> Config:
    return from_mapping(
        {
            "representations": {"crop": 1.0, "shard_size": 40},
            "neighbors": {"k": 10},
            "embedding": {"n_neighbors": 8, "n_components": 2, "epochs": 30},
            "clusters": {"min_samples": 2},
            "nulls": {"n": 1, "scales": "1"},
            "replication": {"subsamples": 1, "seeds": 0},
            "classes": {"min_size": 5, "max_share": 0.2},
        }
    )


@pytest.fixture(scope="session")
def finished(survey_folder: Path, config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("finished") / "run"
    pipeline.run(survey_folder, output, config)
    return output


N_SEA, N_GROUPS, GROUP = 1140, 4, 15
N_PLANTED = N_SEA + N_GROUPS * GROUP
PLANTED = [
    {f"s{i:03d}" for i in range(N_SEA + GROUP * g, N_SEA + GROUP * (g + 1))}
    for g in range(N_GROUPS)
]
"""Ids of the members of each planted group."""


@pytest.fixture
def moved_run(finished: Path, survey_folder: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A copy of the finished run and of its survey, which can be changed."""
    moved = Path(shutil.copytree(finished, tmp_path / "run"))
    other = Path(shutil.copytree(survey_folder, tmp_path / "survey"))
    config = moved / "config.toml"
    config.write_text(config.read_text().replace(str(survey_folder), str(other)))
    return moved, other


@pytest.fixture(scope="session")
def planted() -> FloatArray:
    """Vectors (1200, 8): a normal sea, and four groups of 15 at its edge.

    Of so many sources a random half has communities enough to tell a twentieth of them.
    """
    rng = np.random.default_rng(0)
    sea = rng.normal(size=(N_SEA, 8))
    centers = rng.normal(size=(N_GROUPS, 8))
    centers *= 4.0 / np.linalg.norm(centers, axis=1, keepdims=True)
    groups = [center + 0.2 * rng.normal(size=(GROUP, 8)) for center in centers]
    return np.vstack([sea, *groups]).astype(np.float32)


def write_vectors(path: Path, vectors: FloatArray, ids: Sequence[str] | None = None) -> Path:
    """A survey of representations, ids ``s000``… unless given."""
    names = [f"s{i:03d}" for i in range(len(vectors))] if ids is None else list(ids)
    columns = {f"feat_{i}": vectors[:, i] for i in range(vectors.shape[1])}
    pq.write_table(pa.table({"id_str": names, **columns}), path)
    return path


@pytest.fixture(scope="session")
def planted_config() -> Config:
    return from_mapping(
        {
            "neighbors": {"k": 15},
            "embedding": {"n_neighbors": 10, "n_components": 2, "epochs": 30},
            "nulls": {"n": 5, "scales": "2"},
            "replication": {"subsamples": 2, "seeds": 0},
            "classes": {"min_size": 8, "max_share": 0.1},
        }
    )


@pytest.fixture(scope="session")
def planted_table(planted: FloatArray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_vectors(tmp_path_factory.mktemp("planted") / "vectors.parquet", planted)


@pytest.fixture(scope="session")
def judged(
    planted_table: Path, planted_config: Config, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A finished run on the planted groups."""
    output = tmp_path_factory.mktemp("judged") / "run"
    pipeline.run(planted_table, output, planted_config)
    return output


def contents(run: Path) -> dict[str, bytes]:
    """Every file of a run but its log."""
    return {
        str(p.relative_to(run)): p.read_bytes()
        for p in sorted(run.rglob("*"))
        if p.is_file() and p.name != "log.jsonl"
    }
