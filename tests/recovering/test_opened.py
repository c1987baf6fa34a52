from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from skerry.config import Config, NullsConfig, ReplicationConfig, from_mapping
from skerry.errors import ConfigError, RunError
from skerry.recovering import Opened, open_run
from skerry.types import FloatArray
from skerry.using import Finished
from tests.conftest import PLANTED


def test_an_opened_run_has_what_it_searched(opened: Opened, planted: FloatArray) -> None:
    order = np.array([int(name[1:]) for name in opened.ids])
    assert np.array_equal(opened.space.vectors, planted[order])
    own = [{opened.ids[row] for row in rows} for rows in opened.own]
    assert sum(any(len(found & group) > 12 for found in own) for group in PLANTED) == 4
    assert [len(searches) for searches in opened.nulls.values()] == [5, 5]


@pytest.mark.parametrize(
    ("nulls", "replication", "said"),
    [
        (NullsConfig(n=0), ReplicationConfig(), "nulls.n = 20"),
        (
            NullsConfig(n=1, scales="1"),
            ReplicationConfig(subsamples=0, seeds=0),
            "replication.subsamples = 10",
        ),
    ],
)
def test_a_run_that_confirms_nothing_is_refused(
    judged: Path,
    planted_config: Config,
    monkeypatch: pytest.MonkeyPatch,
    nulls: NullsConfig,
    replication: ReplicationConfig,
    said: str,
) -> None:
    config = replace(planted_config, nulls=nulls, replication=replication)
    monkeypatch.setattr(Finished, "config", config)
    with pytest.raises(ConfigError, match=said):
        open_run(judged)


@pytest.mark.parametrize("section", ["neighbors", "embedding"])
def test_a_run_by_a_gpu_that_is_not_here_is_refused(
    judged: Path, planted_config: Config, monkeypatch: pytest.MonkeyPatch, section: str
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    config = from_mapping({section: {"device": "cuda"}}, planted_config)
    monkeypatch.setattr(Finished, "config", config)
    with pytest.raises(ConfigError, match=rf"^{section}\.device = cuda asks for"):
        open_run(judged)


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no folder of a run"):
        open_run(tmp_path)
