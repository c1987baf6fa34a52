from __future__ import annotations

import shutil
from collections import namedtuple
from collections.abc import Iterator
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import pytest

from skerry.errors import RunError
from skerry.represent import decoding
from skerry.represent.decoding import ready_on_processes
from skerry.represent.encode import encode
from skerry.represent.ready import Batch, Ready, batches, made_ready
from skerry.survey import open_survey
from tests.represent.test_encode import CONTRACT, ENCODER, write_images

Usage = namedtuple("Usage", "free")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_images(tmp_path, 90, ".jpg", seed=1)
    (tmp_path / "g07.jpg").write_bytes(b"")
    (tmp_path / "g88.jpg").write_bytes(b"nonsense")
    return tmp_path


def batches_of(folder: Path) -> Iterator[Batch]:
    return batches(open_survey(folder), [range(40), range(40, 90)], 16)


def as_bytes(ready: Ready) -> tuple[object, ...]:
    told = (ready.shard, list(ready.id_str), list(ready.sides), list(ready.failures))
    return *told, ready.pixels.shape, ready.pixels.tobytes()


def test_processes_make_ready_what_threads_do(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # three images a slot: slots are used again, and batches end within one
    monkeypatch.setattr(decoding, "_SLOT", 3 * 32 * 32 * 3)
    expected = [as_bytes(made_ready(b, CONTRACT, 0.0)) for b in batches_of(folder)]
    found = [as_bytes(r) for r in ready_on_processes(batches_of(folder), CONTRACT, 0.0, 2)]
    assert found == expected
    assert [len(e[1]) for e in expected] == [15, 16, 8, 16, 16, 16, 1]


def test_vectors_do_not_depend_on_what_decodes(folder: Path) -> None:
    survey, shards = open_survey(folder), [range(40), range(40, 90)]
    by_threads = list(encode(survey, ENCODER, shards, threads=2))
    by_processes = list(encode(survey, ENCODER, shards, processes=2))
    for (_, one), (_, other) in zip(by_threads, by_processes, strict=True):
        assert one.id_str == other.id_str
        assert one.failures == other.failures
        assert one.vectors.tobytes() == other.vectors.tobytes()
        assert one.sides.tobytes() == other.sides.tobytes()


def test_too_little_shared_memory_is_an_error_and_less_of_it_is_used_in_smaller_parts(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = 32 * 32 * 3
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(6 * image))
    assert decoding._images_of(6, 32) == 1
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(6 * image - 1))
    with pytest.raises(RunError, match="MB free; decoding on 2 processes takes"):
        next(ready_on_processes(batches_of(folder), CONTRACT, 0.0, 2))


def test_the_shared_memory_is_let_go_of_however_it_ends(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = []

    def noted(*args: object, **options: object) -> SharedMemory:
        memory = SharedMemory(*args, **options)  # type: ignore[arg-type]
        names.append(memory.name)
        return memory

    monkeypatch.setattr(decoding, "SharedMemory", noted)
    stream = ready_on_processes(batches_of(folder), CONTRACT, 0.0, 2)
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert names
    with pytest.raises(FileNotFoundError):
        SharedMemory(names[0])
