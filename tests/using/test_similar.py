"""Laws of the search for similar sources."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import skerry
from skerry import pipeline
from skerry.config import Config, from_mapping
from skerry.discover import distinct_rows, space_of
from skerry.errors import ConfigError, InputError
from skerry.store import encoded
from skerry.types import Failure, FloatArray
from skerry.using import SIMILAR_SCHEMA, Finished, similar
from skerry.using.on_sky import nearest_on_sky
from skerry.using.similar import SimilarIndex
from tests.conftest import write_vectors

K = 6


def index(vectors: FloatArray, ids: list[str], exact: bool = True) -> SimilarIndex:
    """As a run has it: distinct vectors in canonical order, copies by id."""
    rows = distinct_rows(vectors)
    names = [
        tuple(sorted(n for n, v in zip(ids, vectors, strict=True) if (v == vectors[r]).all()))
        for r in rows
    ]
    config = replace(Config().neighbors, k=K)
    space = space_of(vectors[rows], config)
    return SimilarIndex(vectors[rows], names, space.graph, exact, {}, {})


def brute(vectors: FloatArray, ids: list[str], at: int, limit: int) -> list[tuple[Any, ...]]:
    """Id, distance and nth of the sources nearest to one, every pair compared."""
    deep = vectors.astype(np.float64)
    pairs = np.sqrt(((deep[:, None] - deep[None]) ** 2).sum(axis=2))
    order = sorted((pairs[at, i], ids[i], i) for i in range(len(ids)) if i != at)
    return [
        (name, d, 1 + sum(pairs[i, j] < d - 1e-9 for j in range(len(ids)) if j not in (i, at)))
        for d, name, i in order[:limit]
    ]


@st.composite
def spaces(draw: st.DrawFn) -> tuple[FloatArray, list[str]]:
    """Vectors on a grid, so that many distances are equal, with copies, or anywhere."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, d = draw(st.integers(12, 30)), draw(st.integers(1, 5))
    spread = rng.integers(-3, 4, size=(n, d)) if draw(st.booleans()) else rng.normal(size=(n, d))
    fixed = 9.0 * np.eye(8)[:, :1] * np.arange(1, 9)[:, None] * np.ones(d)  # K + 2 distinct ones
    vectors = np.vstack([spread, fixed + np.arange(8)[:, None]]).astype(np.float32)
    return vectors, [f"s{i:02d}" for i in rng.permutation(len(vectors))]


@settings(max_examples=60)
@given(spaces(), st.data())
def test_agrees_with_every_pair_compared(
    space: tuple[FloatArray, list[str]], data: st.DataObject
) -> None:
    vectors, ids = space
    at = data.draw(st.integers(0, len(ids) - 1))
    limit = data.draw(st.integers(1, len(ids) + 3))
    expected = brute(vectors, ids, at, limit)
    for exact in (True, False):
        found = index(vectors, ids, exact).of_source(ids[at], limit)
        assert found.schema == SIMILAR_SCHEMA
        assert found["id_str"].to_pylist() == [name for name, _, _ in expected]
        np.testing.assert_allclose(found["distance"], [d for _, d, _ in expected], atol=1e-6)
        assert found["nth"].to_pylist() == [nth for _, _, nth in expected]
        assert found["rank"].to_pylist() == list(range(1, len(expected) + 1))
        assert (np.diff(found["distance"].to_numpy()) >= 0).all()
        assert ids[at] not in found["id_str"].to_pylist()


@settings(max_examples=30)
@given(spaces(), st.data())
def test_the_order_of_rows_does_not_matter(
    space: tuple[FloatArray, list[str]], data: st.DataObject
) -> None:
    vectors, ids = space
    order = data.draw(st.permutations(range(len(ids))))
    name = data.draw(st.sampled_from(ids))
    limit = data.draw(st.integers(1, len(ids)))
    mixed = index(vectors[order], [ids[i] for i in order]).of_source(name, limit)
    assert mixed.equals(index(vectors, ids).of_source(name, limit))
    # a longer list begins with the shorter one, from the graph or from all
    longer = index(vectors, ids).of_source(name, limit + K)
    assert longer.slice(0, len(mixed)).equals(mixed)


def test_the_graph_answers_while_its_neighbors_are_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    vectors = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    made = index(vectors, [f"s{i:02d}" for i in range(40)])

    def all_compared(*_: object) -> None:
        raise AssertionError("every source was compared")

    monkeypatch.setattr(similar, "_nearest", all_compared)
    assert len(made.of_source("s00", K - 1)) == K - 1
    with pytest.raises(AssertionError):
        made.of_source("s00", K)
    with pytest.raises(AssertionError):
        replace(made, exact=False).of_source("s00", 1)


def test_a_vector_of_another_shape_is_an_error() -> None:
    vectors = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    made = index(vectors, [f"s{i:02d}" for i in range(40)])
    assert made.of_vector(vectors[3], 1).to_pylist()[0]["id_str"] == "s03"
    with pytest.raises(InputError, match="expected"):
        made.of_vector(vectors[3, :2], 1)
    with pytest.raises(InputError, match="finite"):
        made.of_vector(np.full(4, np.nan, np.float32), 1)


# on the sky


def test_the_nearest_on_the_sky() -> None:
    at = {"a": (0.0001, 60.0), "b": (359.9999, 60.0), "c": (10.0, -89.9999), "d": (np.nan, np.nan)}
    name, separation = nearest_on_sky(at, 0.00005, 60.0, 5)
    assert name == "a" and separation == pytest.approx(0.09, rel=1e-3)  # cos 60 deg
    assert nearest_on_sky(at, 360.0, 60.0, 5)[0] == "a"  # equally near: the first id
    assert nearest_on_sky(at, -0.00005, 60.0, 5)[0] == "b"  # as catalogs may have it
    assert nearest_on_sky(at, 190.0, -89.9999, 1)[0] == "c"  # across the pole
    assert nearest_on_sky(at, -170.0, -89.9999, 1)[0] == "c"
    with pytest.raises(InputError, match=r"no source within 1 arcsec .* nearest is c at 35.64"):
        nearest_on_sky(at, 10.0, -89.99, 1)
    with pytest.raises(InputError, match="no source of the run has a position"):
        nearest_on_sky({"d": at["d"]}, 0, 0, 1)
    for wrong in (
        (400.0, 0.0, 1.0),
        (-180.5, 0.0, 1.0),
        (0.0, 91.0, 1.0),
        (0.0, 0.0, 0.0),
        (np.nan, 0.0, 1.0),
    ):
        with pytest.raises(ConfigError):
            nearest_on_sky(at, *wrong)


# of a run


@pytest.fixture(scope="module")
def run(judged: Path) -> Finished:
    return Finished(judged)


def test_of_a_run_of_vectors(run: Finished, planted: FloatArray) -> None:
    target = next(c for c in run.classes if c.verdict == "confirmed")
    found = run.similar(target.members[0], limit=5)
    assert found.query == {"by": "id", "id_str": target.members[0]} and not found.warnings
    rows = found.sources.to_pylist()
    assert {r["class_id"] for r in rows} == {target.class_id}
    assert rows[0]["ra"] is None
    names = [f"s{i:03d}" for i in range(len(planted))]
    expected = brute(planted, names, names.index(target.members[0]), 50)
    more = run.similar(target.members[0], limit=50).sources
    assert more["id_str"].to_pylist() == [name for name, _, _ in expected]
    assert more["nth"].to_pylist() == [nth for _, _, nth in expected]
    # rows are those of the embedding
    opened = skerry.open(run.path)
    row = opened.ids.index(target.members[0])
    assert run.similar_to_row(row, 50).equals(more)
    table = opened.similar(target.members[0], limit=5)
    assert list(table["id_str"]) == [r["id_str"] for r in rows]
    assert table.meta["query"]["id_str"] == target.members[0]


def test_what_cannot_be_looked_up_is_an_error(run: Finished, tmp_path: Path) -> None:
    asked: list[tuple[Callable[[], object], str]] = [
        (lambda: run.similar(), "give one of"),
        (lambda: run.similar("s000", position=(0, 0)), "give one of"),
        (lambda: run.similar("s000", limit=0), "limit is 0"),
        (lambda: run.similar("nobody"), "no source 'nobody'"),
        (lambda: run.similar(position=(1, 2)), "has a position"),
        (lambda: run.similar(image=tmp_path / "a.jpg"), "made from given representations"),
        (lambda: run.similar_to_row(1200), "no row 1200; expected 0 to 1199"),
        (lambda: run.similar_to_row(-1), "no row -1"),
        (lambda: run.write_sheet(tmp_path / "a.jpg", run.similar("s000")), "no images to show"),
    ]
    for ask, said in asked:
        with pytest.raises((InputError, ConfigError), match=said):
            ask()


def test_why_a_source_has_no_representation_is_said(judged: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(judged, tmp_path / "run"))
    failures = [Failure("bad", "images/bad.jpg", "no such file")]
    encoded.write_failures(run / "representations" / "failures.parquet", failures)
    with pytest.raises(InputError, match=r"bad could not be read \(no such file\)"):
        Finished(run).similar("bad")


def test_of_a_run_with_positions_and_copies(
    planted: FloatArray, planted_config: Config, tmp_path: Path
) -> None:
    bare = from_mapping({"nulls": {"n": 0}, "replication": {"subsamples": 0}}, planted_config)
    rows = [*range(len(planted)), 5]
    ids = [f"s{i:03d}" for i in range(len(planted))] + ["a-copy"]
    path = write_vectors(tmp_path / "t.parquet", planted[rows], ids)
    table = pq.read_table(path)
    ra = pa.array(10 + 0.01 * np.arange(len(rows)))
    pq.write_table(table.append_column("ra", ra).append_column("dec", ra), path)
    pipeline.run(path, tmp_path / "run", bare)
    found = Finished(tmp_path / "run").similar(position=(10.05, 10.0501), limit=3)
    assert found.query["id_str"] == "s005"
    assert found.query["separation"] == pytest.approx(0.36, rel=1e-3)
    first = found.sources.to_pylist()[0]
    assert (first["id_str"], first["distance"], first["nth"]) == ("a-copy", 0.0, 1)
    assert first["ra"] == pytest.approx(10 + 0.01 * len(planted))


def test_of_a_run_of_images(finished: Path, survey_folder: Path, tmp_path: Path) -> None:
    run = Finished(finished)
    name = run._ids[3]
    image = survey_folder / "images" / f"{name}.jpg"
    by_image = run.similar(image=image, limit=8)
    assert by_image.query == {"by": "image", "image": str(image)}
    assert any("representations.crop = 1.0. If not" in told for told in by_image.warnings)
    rows = by_image.sources.to_pylist()
    # an image of the run gets the very vector it had there
    assert (rows[0]["id_str"], rows[0]["distance"], rows[0]["nth"]) == (name, 0.0, 1)
    by_id = run.similar(name, limit=7)
    assert [r["id_str"] for r in rows[1:]] == by_id.sources["id_str"].to_pylist()
    for sheet, found in (("a.jpg", by_image), ("b.jpg", by_id)):
        run.write_sheet(tmp_path / sheet, found)
        with Image.open(tmp_path / sheet) as shown:
            assert shown.format == "JPEG" and shown.width > shown.height / 2
    once = (tmp_path / "a.jpg").read_bytes()
    run.write_sheet(tmp_path / "a.jpg", by_image)
    assert (tmp_path / "a.jpg").read_bytes() == once


def test_an_image_that_cannot_be_read_is_an_error(finished: Path, tmp_path: Path) -> None:
    run = Finished(finished)
    with pytest.raises(InputError, match=r"there is no file .*none\.jpg"):
        run.similar(image=tmp_path / "none.jpg")
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff nothing")
    with pytest.raises(InputError, match=r"bad.jpg cannot be read"):
        run.similar(image=tmp_path / "bad.jpg")
    (tmp_path / "words.txt").write_text("no image")
    with pytest.raises(InputError, match=r"words\.txt is no image file"):
        run.similar(image=tmp_path / "words.txt")


def test_a_sheet_of_images_that_changed_is_an_error(
    moved_run: tuple[Path, Path], tmp_path: Path
) -> None:
    moved, other = moved_run
    run = Finished(moved)
    found = run.similar(run._ids[0])
    run.write_sheet(tmp_path / "a.jpg", found)
    next((other / "images").iterdir()).unlink()
    with pytest.raises(InputError, match="is not what it was"):
        run.write_sheet(tmp_path / "a.jpg", found)
