"""A small drawn survey and a finished run of it, shared by the tests of the whole way through."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from skerry import pipeline
from skerry.config import Config, from_mapping
from skerry.survey.simulate import simulate

# the machines are noisy, and a test must say the same every time
settings.register_profile("skerry", deadline=None, derandomize=True)
settings.load_profile("skerry")

N = 150


@pytest.fixture(scope="session")
def survey_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn") / "survey"
    simulate(folder, n=N, seed=1)
    return folder


@pytest.fixture(scope="session")
def config() -> Config:
    return from_mapping(
        {
            "representations": {"crop": 1.0, "shard_size": 40},
            "neighbors": {"k": 10},
            "embedding": {"n_neighbors": 8, "n_components": 2},
            "clusters": {"min_cluster_size": 5, "min_samples": 2},
            "classes": {"min_size": 5, "max_share": 0.2, "min_persistence": 0.0},
        }
    )


@pytest.fixture(scope="session")
def finished(survey_folder: Path, config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("finished") / "run"
    pipeline.run(survey_folder, output, config)
    return output


def contents(run: Path) -> dict[str, bytes]:
    """Every file of a run but its log."""
    return {
        str(p.relative_to(run)): p.read_bytes()
        for p in sorted(run.rglob("*"))
        if p.is_file() and p.name != "log.jsonl"
    }
