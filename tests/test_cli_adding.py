from __future__ import annotations

import json
from pathlib import Path

import pytest

import skerry
from skerry import pipeline
from skerry.config import Config, from_mapping
from tests.conftest import N_PLANTED, write_vectors
from tests.test_cli import call


@pytest.fixture(scope="module")
def parts(
    planted: object, planted_config: Config, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """A run of nine in ten sources, and the others."""
    folder = tmp_path_factory.mktemp("parts")
    ids = [f"s{i:03d}" for i in range(N_PLANTED)]
    new = slice(0, N_PLANTED, 10)
    vectors = planted[[i for i in range(N_PLANTED) if i % 10]]  # type: ignore[index]
    first = write_vectors(folder / "first.parquet", vectors, [n for n in ids if n not in ids[new]])
    write_vectors(folder / "new.parquet", planted[new], ids[new])  # type: ignore[index]
    quick = from_mapping({"nulls": {"n": 1}, "replication": {"subsamples": 0}}, planted_config)
    pipeline.run(first, folder / "run", quick, threads=1)
    return folder / "run", folder / "new.parquet"


def test_it_adds_and_says_what_it_added(parts: tuple[Path, Path], tmp_path: Path) -> None:
    run, new = parts
    arguments = ("add", run, new, "-o", tmp_path / "out", "--set", "nulls.n=2")
    code, out, _ = call(*arguments, "--json")
    found = json.loads(out)
    assert code == 0 and found["complete"]
    assert found["sources"] == {"before": 1080, "new": 120} and found["added"] == [str(new)]
    assert found["stages"]["nulls"]["counts"]["searches"] == 4
    code, out, _ = call(*arguments)
    assert code == 0 and f"120 sources were added to the 1080 of {run}" in " ".join(out.split())
    code, out, _ = call("status", tmp_path / "out", "--json")
    assert json.loads(out)["added"] == [str(new)]


def test_an_error_says_what_to_do(parts: tuple[Path, Path], tmp_path: Path) -> None:
    run, _ = parts
    code, out, _ = call("add", run, run.parent / "first.parquet", "-o", tmp_path / "o", "--json")
    assert code == 1 and "nothing is new" in json.loads(out)["message"]
    code, _, err = call("add", tmp_path, run, "-o", tmp_path / "o")
    assert code == 1 and "is no folder of a run" in err


def test_it_is_there_in_python() -> None:
    assert "add" in dir(skerry) and skerry.add.__module__ == "skerry.adding.add"
