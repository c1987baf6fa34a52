"""Whatever form and store sources come in, their representations are the same bytes."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skerry.represent.encode import encode
from skerry.represent.encoder import Encoder
from skerry.survey import open_survey
from skerry.types import ByteArray, Contract, FloatArray
from tests.survey.forms import (
    Source,
    drawn,
    write_folder,
    write_hats,
    write_parquet,
    write_tars,
)
from tests.survey.web_server import Web, serving

Found = tuple[dict[str, bytes], set[str]]


class Means(Encoder):
    """Encodes an image as the mean color of its rows."""

    def encode(self, pixels: ByteArray) -> tuple[FloatArray, FloatArray]:
        rows = pixels.astype(np.float32).mean(2).reshape(-1, 48)
        return rows, rows[:, :1]


ENCODER = Means("means", "0" * 64, Contract(16, {}, "all"), 4, 48, ("bright",), None)


def encoded(place: str | Path, shard: int, threads: int) -> Found:
    """Vectors by id, as bytes, and the ids of what failed."""
    survey = open_survey(place)
    n = len(survey)
    shards = [range(start, min(start + shard, n)) for start in range(0, n, shard)]
    vectors, failed = {}, set()
    for _, part in encode(survey, ENCODER, shards, threads=threads):
        vectors |= {i: v.tobytes() for i, v in zip(part.id_str, part.vectors, strict=True)}
        failed |= {f.id_str for f in part.failures}
    assert len(vectors) + len(failed) == n
    return vectors, failed


def write_all(root: Path, sources: Sequence[Source], shard: int, group: int) -> None:
    write_folder(root / "folder", sources)
    write_tars(root / "tars", sources, shard)
    write_parquet(root / "parquet", sources, shard, group)
    write_hats(root / "hats", sources)


FORMS = ("folder", "tars", "parquet", "hats")


@given(
    n=st.integers(3, 30),
    shard=st.integers(1, 12),
    group=st.integers(1, 6),
    encoding=st.integers(1, 30),
    broken=st.dictionaries(st.integers(0, 29), st.sampled_from(["half", "words", "empty"])),
)
@settings(max_examples=12)
def test_every_form_gives_the_same_bytes(
    n: int, shard: int, group: int, encoding: int, broken: dict[int, str]
) -> None:
    pytest.importorskip("aiohttp")
    sources = drawn(n, seed=n)
    for i, how in broken.items():
        if i < n:
            data = sources[i].image
            spoiled = {"half": data[: len(data) // 2], "words": b"no image", "empty": b""}[how]
            sources[i] = replace(sources[i], image=spoiled)
    with tempfile.TemporaryDirectory() as name, serving(Web(Path(name))) as web:
        root = Path(name)
        write_all(root, sources, shard, group)
        expected = encoded(root / "folder", encoding, 1)
        assert expected[1] == {s.id_str for i, s in enumerate(sources) if i in broken}
        for form in FORMS:
            assert encoded(root / form, encoding + 1, 1) == expected
            assert encoded(f"{web.address}/{form}", encoding, 2) == expected
