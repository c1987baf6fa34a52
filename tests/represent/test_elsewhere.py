from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from skerry.config import SourcesConfig
from skerry.errors import EncoderError, InputError, RunError
from skerry.executors.executor import Executor
from skerry.executors.local import Local
from skerry.executors.processes import Processes
from skerry.represent import elsewhere
from skerry.represent.elsewhere import Shard, Task, encode_elsewhere, sha256_of, task_of
from skerry.represent.encode import encode
from skerry.represent.encoder import load
from skerry.survey import Survey, open_survey

ROWS = [range(0, 20), range(20, 24)]


@pytest.fixture
def survey(survey_folder: Path) -> Survey:
    return open_survey(survey_folder)


@pytest.fixture
def task(survey: Survey) -> Task:
    encoder = load()
    return task_of(
        survey, SourcesConfig(), survey.fingerprint(), "default", encoder, encoder.contract, 1.0, 0
    )


@pytest.mark.parametrize("executor", [Local(1), Processes(2)])
def test_vectors_are_those_encoded_here(survey: Survey, task: Task, executor: Executor) -> None:
    told: list[int] = []
    found = list(encode_elsewhere(executor, survey, task, ROWS, on_event=told.append))
    expected = list(encode(survey, load(), ROWS, crop=1.0, threads=1))
    assert [i for i, _ in found] == [i for i, _ in expected] == [0, 1]
    for (_, one), (_, other) in zip(found, expected, strict=True):
        assert one.id_str == other.id_str
        np.testing.assert_array_equal(one.vectors, other.vectors)
        np.testing.assert_array_equal(one.votes, other.votes)
    assert told == [20, 24]


def test_a_task_is_small_whatever_the_survey(task: Task) -> None:
    assert len(pickle.dumps(task)) < 5000


def test_the_survey_is_opened_once_a_process(
    survey: Survey, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    monkeypatch.setattr(elsewhere, "open_survey", lambda *a: opened.append(a) or open_survey(*a))
    other = replace(task, fingerprint="of this test")
    list(encode_elsewhere(Local(1), survey, other, [range(1), range(1, 2), range(2, 3)]))
    assert len(opened) == 1


def test_what_differs_elsewhere_is_told(
    survey: Survey, task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard = Shard(range(2), sha256_of(survey, range(2)))
    with pytest.raises(InputError, match=r"other sources .* same input at the same path"):
        task(replace(shard, sha256="0" * 64))
    with pytest.raises(InputError, match=r"does not exist.*at the same path"):
        replace(task, survey=tmp_path / "gone")(shard)
    with pytest.raises(EncoderError, match="every machine must have the same file"):
        replace(task, sha256="0" * 64)(shard)
    with pytest.raises(RunError, match=r"other versions .*numpy .*, not 0\.1"):
        replace(task, versions={**task.versions, "numpy": "0.1"})(shard)


def test_files_are_named_by_their_full_path_and_shipped_encoders_by_name(
    survey_folder: Path, task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(survey_folder.parent)
    survey, encoder = open_survey(Path(survey_folder.name)), load()
    given = (survey, SourcesConfig(), "", "mine.onnx", encoder, encoder.contract, 1.0, 3)
    found = task_of(*given)
    assert found.survey == task.survey == survey_folder.resolve()
    assert (found.encoder, task.encoder) == (str(Path("mine.onnx").resolve()), "default")
    assert (found.threads, task.threads) == (3, 1)
