"""Whole runs on tars of a server: the bytes of a folder's, resumed shard by shard."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from skerry import pipeline, sharing
from skerry.config import Config, SourcesConfig
from skerry.executors.processes import Processes
from skerry.represent.elsewhere import encode_elsewhere, task_of
from skerry.represent.encode import encode
from skerry.represent.encoder import load
from skerry.store import encoded
from skerry.survey import open_survey
from skerry.survey.streams import remote
from tests.survey.forms import drawn, write_folder, write_tars
from tests.survey.web_server import Web, serving


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    pytest.importorskip("aiohttp")
    root = tmp_path_factory.mktemp("web")
    write_folder(root / "folder", drawn(30, side=64))
    write_tars(root / "tars", drawn(30, side=64))
    with serving(Web(root)) as found:
        yield found


def representations(run: Path) -> dict[str, bytes]:
    found = encoded.read_representations(run / "representations")
    return {i: v.tobytes() for i, v in zip(found.id_str, found.vectors, strict=True)}


def test_runs_from_here_and_from_a_server_agree(web: Web, tmp_path: Path, config: Config) -> None:
    config = replace(config, representations=replace(config.representations, shard_size=20))
    pipeline.run(web.root / "folder", tmp_path / "here", config)
    expected = representations(tmp_path / "here")
    classes = (tmp_path / "here/classes/classes.json").read_bytes()
    address = f"{web.address}/tars"
    for shards in ("1:2", "0:1"):
        sharing.encode(address, tmp_path / "tars", config, shards=shards)
    done = sharing.gather(tmp_path / "tars")
    assert done["input"] == address
    assert representations(tmp_path / "tars") == expected
    assert (tmp_path / "tars/classes/classes.json").read_bytes() == classes
    # nothing has changed, so nothing is made again
    again = pipeline.run(f"{address}/", tmp_path / "tars", config)
    assert set(again["skipped"]) == set(again["stages"])
    path = web.root / "tars/train-001.tar"
    path.write_bytes(path.read_bytes())
    again = pipeline.run(address, tmp_path / "tars", config)
    assert "representations" not in again["skipped"]


def test_a_run_that_was_stopped_goes_on_with_whole_shards(
    web: Web, tmp_path: Path, config: Config
) -> None:
    address = f"{web.address}/tars"
    small = replace(config, representations=replace(config.representations, shard_size=8))
    written = []

    def stop(what: str, done: int, total: int) -> None:
        if what == "encoding" and done > 16:
            written.extend(sorted(p.name for p in (tmp_path / "run").rglob("shard-*")))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pipeline.run(address, tmp_path / "run", small, on_event=stop)
    assert written == [f"shard-{i:05d}.parquet" for i in range(2)]
    web.ranged.clear()
    pipeline.run(address, tmp_path / "run", small)
    images = [start for name, start, end in web.ranged if name.endswith("train-000.tar")]
    assert len(images) <= 2  # its index, and pictures for the report: no image of shard 0 again
    pipeline.run(web.root / "tars", tmp_path / "here", small)
    assert representations(tmp_path / "run") == representations(tmp_path / "here")


def test_other_processes_open_the_address_themselves(web: Web) -> None:
    survey, encoder = open_survey(f"{web.address}/tars/train-{{000..002}}.tar"), load()
    task = task_of(
        survey, SourcesConfig(), survey.fingerprint(), "default", encoder, encoder.contract, 1.0, 0
    )
    rows = [range(0, 6), range(6, 9)]
    found = list(encode_elsewhere(Processes(2), survey, pickle.loads(pickle.dumps(task)), rows))
    expected = list(encode(survey, encoder, rows, crop=1.0, threads=1))
    for (_, one), (_, other) in zip(found, expected, strict=True):
        assert one.id_str == other.id_str
        np.testing.assert_array_equal(one.vectors, other.vectors)


def test_what_a_server_failed_to_give_can_be_asked_for_again(
    web: Web, tmp_path: Path, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "WAIT", 0.01)
    small = replace(config, representations=replace(config.representations, shard_size=8))
    address = f"{web.address}/folder"
    web.fails["g0012"] = "503"
    sharing.encode(address, tmp_path / "run", small)
    failures = encoded.shard_failures(tmp_path / "run/representations/shard-00001.parquet")
    assert [(f.id_str, f.reason) for f in failures] == [
        ("g0012", "the server answered 503, 4 tries")
    ]
    web.fails.clear()
    assert sharing.encode(address, tmp_path / "run", small)["failed"] == 1
    (tmp_path / "run/representations/shard-00001.parquet").unlink()
    done = sharing.encode(address, tmp_path / "run", small)
    assert (done["encoded"], done["failed"]) == (1, 0)
