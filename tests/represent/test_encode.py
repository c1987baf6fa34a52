from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from skerry.represent.encode import encode, given, join
from skerry.represent.encoder import Encoder
from skerry.survey import open_survey, prepare
from skerry.types import ByteArray, Contract, FloatArray, Representations

CONTRACT = Contract(32, {64: 0.5}, "the middle")


class Means(Encoder):
    """Encodes an image as its mean color."""

    def encode(self, pixels: ByteArray) -> tuple[FloatArray, FloatArray]:
        assert len(pixels) <= self.batch
        means = pixels.reshape(len(pixels), 32 * 32, 3).mean(1).astype(np.float32)
        return means, means[:, :1]


ENCODER = Means("means", "0" * 64, CONTRACT, 8, 3, ("bright",), None)


def write_images(folder: Path, count: int, suffix: str, seed: int = 0) -> None:
    """Images g00, g01, ... of noise, 64 px."""
    rng = np.random.default_rng(seed)
    for i in range(count):
        pixels = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
        (folder / f"g{i:02d}{suffix}").write_bytes(cv2.imencode(suffix, pixels)[1].tobytes())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_images(tmp_path, 60, ".png")
    (tmp_path / "g07.png").write_bytes(b"")
    (tmp_path / "g31.png").write_bytes(b"nonsense")
    return tmp_path


def all_of(folder: Path, shards: list[range], threads: int = 1) -> list[Representations]:
    found = list(encode(open_survey(folder), ENCODER, shards, threads=threads))
    assert [position for position, _ in found] == list(range(len(shards)))
    return [part for _, part in found]


def test_order_is_kept_and_no_source_is_lost(folder: Path) -> None:
    survey = open_survey(folder)
    (folder / "g40.png").unlink()
    [(_, found)] = encode(survey, ENCODER, [range(60)])
    bad = ["g07", "g31", "g40"]
    assert found.id_str == tuple(f"g{i:02d}" for i in range(60) if f"g{i:02d}" not in bad)
    assert [f.id_str for f in found.failures] == bad
    assert [f.location for f in found.failures] == [f"{i}.png" for i in bad]
    assert found.failures[2].reason == "no such file"
    single = prepare((folder / "g58.png").read_bytes(), "g58.png", CONTRACT).pixels
    np.testing.assert_allclose(found.vectors[-2], single.reshape(-1, 3).mean(0), rtol=1e-5)
    assert found.vote_columns == ("bright",)
    assert set(found.sides.tolist()) == {64}


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("size", [7, 8, 60])
def test_neither_shards_nor_threads_change_a_vector(folder: Path, threads: int, size: int) -> None:
    whole = all_of(folder, [range(60)])[0]
    shards = [range(s, min(s + size, 60)) for s in range(0, 60, size)]
    parts = join(all_of(folder, shards, threads))
    assert parts.id_str == whole.id_str
    np.testing.assert_array_equal(parts.vectors, whole.vectors)
    np.testing.assert_array_equal(parts.votes, whole.votes)
    assert parts.failures == whole.failures


def test_a_shard_of_failures_alone_is_a_shard(folder: Path) -> None:
    first, second = all_of(folder, [range(7, 8), range(8, 10)])
    assert len(first) == 0
    assert len(first.failures) == 1
    assert second.id_str == ("g08", "g09")


def test_progress_counts_every_source(folder: Path) -> None:
    seen: list[int] = []
    shards = [range(0, 30), range(30, 60)]
    list(encode(open_survey(folder), ENCODER, shards, on_event=seen.append))
    assert seen == sorted(seen)
    assert seen[-1] == 60


def test_given_vectors_that_are_not_finite_fail(tmp_path: Path) -> None:
    vectors = np.arange(40, dtype=np.float32).reshape(10, 4)
    vectors[3, 1] = np.nan
    np.save(tmp_path / "v.npy", vectors)
    (tmp_path / "v_ids.txt").write_text("\n".join(f"s{i}" for i in range(10)) + "\n")
    [(_, part)] = given(open_survey(tmp_path / "v.npy"), [range(10)])
    assert len(part) == 9
    assert [f.id_str for f in part.failures] == ["s3"]
    np.testing.assert_array_equal(part.vectors, vectors[np.arange(10) != 3])
    assert part.votes.shape == (9, 0)
