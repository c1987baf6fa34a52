"""Images and vectors in Parquet and .npy are streams in the order of the file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skerry.config import SourcesConfig
from skerry.errors import CatalogError, InputError
from skerry.survey import open_survey
from skerry.types import Failure


def struct(blobs: list[bytes | None], paths: list[str] | None = None) -> pa.Array:
    paths = paths or [f"folder/p{i}.jpg" for i in range(len(blobs))]
    rows = [{"bytes": b, "path": p} for b, p in zip(blobs, paths, strict=True)]
    return pa.array(rows, pa.struct([("bytes", pa.binary()), ("path", pa.string())]))


def save(path: Path, group: int = 1000, **columns: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path, row_group_size=group)
    return path


@pytest.fixture
def two_files(tmp_path: Path) -> Path:
    """Two files, 10 rows in groups of 3; ids fall as rows rise."""
    for file, numbers in (("a", range(6)), ("b", range(6, 10))):
        blobs: list[bytes | None] = [b"image %d" % i for i in numbers]
        if file == "b":
            blobs[1], blobs[2] = None, b""
        ids = [9 - i for i in numbers]
        save(tmp_path / f"data/{file}.parquet", 3, id_str=ids, image=struct(blobs), ra=[1.0]
             * len(ids), dec=[2.0] * len(ids))  # fmt: skip
    return tmp_path


def test_images_in_order_of_the_files(two_files: Path) -> None:
    survey = open_survey(two_files)
    assert survey.kind == "parquet"
    assert survey.choices == {"id": "id_str", "image": "image", "ra": "ra", "dec": "dec"}
    assert survey.sources["id_str"].to_pylist() == [str(9 - i) for i in range(10)]
    assert survey.sources["location"].to_pylist() == [
        *(f"data/a.parquet#{i}" for i in range(6)),
        *(f"data/b.parquet#{i}" for i in range(4)),
    ]
    rows = [9, 0, 5, 6, 2, 2]
    assert list(survey.images(rows)) == [b"image %d" % i for i in rows]
    null, empty = survey.images([7, 8])
    assert null == Failure("2", "data/b.parquet#1", "the cell is empty")
    assert empty == Failure("1", "data/b.parquet#2", "the cell holds 0 bytes")
    with pytest.raises(InputError, match="no vectors"):
        survey.vectors(slice(0, 1))


def test_each_row_group_is_read_once_and_only_its_images(
    two_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    survey = open_survey(two_files)
    read: list[tuple[int, list[str]]] = []
    original = pq.ParquetFile.read_row_group

    def counted(self: Any, i: int, columns: list[str]) -> pa.Table:
        read.append((i, columns))
        return original(self, i, columns=columns)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", counted)
    for start in range(0, 10, 2):  # shards that cut row groups in two
        list(survey.images(range(start, start + 2)))
    assert [i for i, _ in read] == [0, 1, 0, 1]
    assert all(columns == ["image.bytes"] for _, columns in read)


def test_one_file_with_a_binary_column(tmp_path: Path) -> None:
    path = save(tmp_path / "t.parquet", name=["a", "b"], blob=[b"1", b"2"])
    survey = open_survey(path)
    assert survey.choices == {"id": "name", "image": "blob"}
    assert survey.sources["location"].to_pylist() == ["t.parquet#0", "t.parquet#1"]
    assert list(survey.images([1, 0])) == [b"2", b"1"]


def test_ids_of_hugging_face_paths_where_there_are_no_others(tmp_path: Path) -> None:
    survey = open_survey(save(tmp_path / "t.parquet", image=struct([b"1", b"2"])))
    assert survey.sources["id_str"].to_pylist() == ["p0", "p1"]
    assert "image.path" in survey.choices["id"]


def test_several_columns_of_bytes_need_a_choice(tmp_path: Path) -> None:
    path = save(tmp_path / "t.parquet", id=["a"], one=[b"1"], two=[b"2"])
    with pytest.raises(CatalogError, match=r"'one', 'two'; set sources.image_column"):
        open_survey(path)
    survey = open_survey(path, SourcesConfig(image_column="two"))
    assert list(survey.images([0])) == [b"2"]


def test_files_that_differ_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "a.parquet", id=["a"], image=struct([b"1"]))
    save(tmp_path / "b.parquet", other=["b"], image=struct([b"1"]))
    with pytest.raises(CatalogError, match=r"'id' is string in a.parquet, but missing in b"):
        open_survey(tmp_path)
    save(tmp_path / "b.parquet", id=[1], image=struct([b"1"]))
    with pytest.raises(CatalogError, match=r"'id' is string in a.parquet, but int64 in b"):
        open_survey(tmp_path)


def test_later_file_without_the_image_column_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "a.parquet", id=["a"], image=struct([b"1"]))
    save(tmp_path / "b.parquet", id=["b"], picture=struct([b"1"]))
    with pytest.raises(CatalogError, match=r"'image' is .* in a.parquet, but missing in b"):
        open_survey(tmp_path)


def test_ids_repeated_across_files_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "a.parquet", id=["a", "b"], image=struct([b"1", b"2"]))
    save(tmp_path / "b.parquet", id=["b"], image=struct([b"1"]))
    with pytest.raises(CatalogError, match="1 ids stand for more than one source: 'b'"):
        open_survey(tmp_path)


def test_empty_and_useless_parquet_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="no rows"):
        open_survey(save(tmp_path / "a.parquet", id=pa.array([], pa.string()), image=struct([])))
    with pytest.raises(CatalogError, match="none of vectors"):
        open_survey(save(tmp_path / "b.parquet", id=["a"], mag=[1.0]))
    with pytest.raises(CatalogError, match="no column of ids"):
        open_survey(save(tmp_path / "c.parquet", mag=[1.0], blob=[b"1"]))


VECTORS = np.random.default_rng(0).normal(size=(25, 12)).astype(np.float32)
IDS = [f"g{i:02d}" for i in range(25)][::-1]


def as_layout(layout: str, array: np.ndarray[Any, Any]) -> dict[str, Any]:
    if layout == "numbered":  # written in the order of names: feat_0, feat_1, feat_10...
        names = sorted(f"feat_{i}" for i in range(array.shape[1]))
        return {n: array[:, int(n[5:])] for n in names}
    values = pa.array(array.ravel())
    if layout == "fixed":
        return {"vector": pa.FixedSizeListArray.from_arrays(values, array.shape[1])}
    offsets = pa.array(np.arange(len(array) + 1) * array.shape[1], pa.int32())
    return {"vector": pa.ListArray.from_arrays(offsets, values)}


@pytest.mark.parametrize("layout", ["numbered", "fixed", "list"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_vectors_are_the_same_in_every_layout(tmp_path: Path, layout: str, dtype: type) -> None:
    columns = as_layout(layout, VECTORS.astype(dtype))
    for name, rows in (("a", slice(0, 14)), ("b", slice(14, 25))):
        part = {k: v[rows] for k, v in columns.items()}
        save(tmp_path / f"{name}.parquet", 4, iauname=IDS[rows], **part)
    survey = open_survey(tmp_path)
    assert survey.kind == "vectors"
    assert survey.sources["id_str"].to_pylist() == IDS
    for rows in (slice(0, 25), slice(3, 17), slice(24, 99), slice(5, 5), slice(None)):
        vectors, failures = survey.vectors(rows)
        assert vectors.dtype == np.float32
        assert np.array_equal(vectors, VECTORS[rows])
        assert failures == [None] * len(vectors)
    with pytest.raises(InputError, match="no images"):
        list(survey.images([0]))
    with pytest.raises(ValueError, match="consecutive"):
        survey.vectors(slice(0, 10, 2))


@pytest.mark.parametrize("group", [2, 30])
@pytest.mark.parametrize("damaged", [[], [1.0]])
def test_a_first_row_that_is_too_short_is_one_failure(
    tmp_path: Path, damaged: list[float], group: int
) -> None:
    rows = [damaged, *VECTORS[1:].tolist()]
    save(tmp_path / "a.parquet", group, iauname=IDS, vector=pa.array(rows, pa.list_(pa.float32())))
    vectors, failures = open_survey(tmp_path).vectors(slice(None))
    assert failures[0] is not None and failures[1:] == [None] * (len(IDS) - 1)
    assert np.array_equal(vectors[1:], VECTORS[1:])


@pytest.mark.parametrize("layout", ["numbered", "fixed", "list"])
def test_values_that_are_not_finite_fail(tmp_path: Path, layout: str) -> None:
    array = VECTORS.astype(np.float64)
    array[2, 3] = np.nan
    array[4, :2] = np.inf, 1e300  # beyond float32
    array[5] = np.nan
    path = save(tmp_path / "t.parquet", 4, id=IDS, **as_layout(layout, array))
    vectors, failures = open_survey(path).vectors(slice(1, 7))
    assert np.array_equal(vectors[[0, 2, 5]], VECTORS[[1, 3, 6]])
    assert [f is None for f in failures] == [True, False, True, False, False, True]
    assert failures[1] == Failure(
        IDS[2], "t.parquet#2", "1 of 12 values of the vector are NaN or infinite"
    )
    assert failures[3] is not None
    assert failures[3].reason.startswith("2 of 12")
    assert failures[4] is not None


@pytest.mark.parametrize("fixed", [True, False])
def test_missing_vectors_and_wrong_lengths_fail(tmp_path: Path, fixed: bool) -> None:
    short = None if fixed else [1.0]
    kind = pa.list_(pa.float32(), 2) if fixed else pa.list_(pa.float32())
    rows = pa.array([None, [1.0, 2.0], short, [3.0, None], [5.0, 6.0]], kind)
    survey = open_survey(save(tmp_path / "t.parquet", id=list("abcde"), feat=rows))
    vectors, failures = survey.vectors(slice(0, 5))
    assert vectors.shape == (5, 2)
    assert vectors[[1, 4]].tolist() == [[1.0, 2.0], [5.0, 6.0]]
    assert [f is None for f in failures] == [False, True, False, False, True]


def test_several_families_of_vectors(tmp_path: Path) -> None:
    two = {f"{p}{i}": [float(i)] for p in ("feat_", "feat_pca_") for i in range(3)}
    path = save(tmp_path / "t.parquet", id=["a"], **two)
    with pytest.raises(CatalogError, match=r"'feat_', 'feat_pca_'; set sources.vector_prefix"):
        open_survey(path)
    survey = open_survey(path, SourcesConfig(vector_prefix="feat_pca_"))
    assert survey.choices["vectors"] == "feat_pca_0..feat_pca_2"


def test_images_win_over_vectors_unless_asked(tmp_path: Path) -> None:
    path = save(tmp_path / "t.parquet", id=["a"], file=["a.png"], feat_0=[1.0], feat_1=[2.0])
    survey = open_survey(path)
    assert survey.kind == "files"
    assert any("vector_prefix" in note for note in survey.notes)
    assert open_survey(path, SourcesConfig(vector_prefix="feat_")).kind == "vectors"


def test_several_families_beside_images_are_all_named(tmp_path: Path) -> None:
    numbers = {f"{p}{i}": [float(i)] for p in ("feat_", "mag_") for i in range(2)}
    numbers |= {"petro_th50": [1.0], "petro_th90": [2.0]}  # numbered, but no vector
    survey = open_survey(save(tmp_path / "t.parquet", id=["a"], file=["a.png"], **numbers))
    assert survey.kind == "files"
    (note,) = survey.notes
    assert "'feat_', 'mag_':" in note and "petro" not in note and "sources.vector_prefix" in note


def test_a_lone_coordinate_is_noted(tmp_path: Path) -> None:
    survey = open_survey(save(tmp_path / "t.parquet", id=["a"], RA=[1.0], blob=[b"1"]))
    assert "ra" not in survey.choices and survey.sources["ra"].null_count == 1
    (note,) = survey.notes
    assert "'RA' was left out" in note and "sources.dec_column" in note


def test_a_parquet_file_whose_name_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    path = tmp_path / "sub" / os.fsdecode(b"caf\xe9.parquet")
    path.write_bytes(save(tmp_path / "t.parquet", id=["a"], blob=[b"1"]).read_bytes())
    (tmp_path / "t.parquet").unlink()
    for given in (tmp_path, path):
        with pytest.raises(InputError, match=r"caf\\udce9.parquet' is not UTF-8 text; rename"):
            open_survey(given)


def npy(folder: Path, array: np.ndarray[Any, Any] = VECTORS) -> Path:
    np.save(folder / "rep.npy", array)
    return folder / "rep.npy"


def write_ids(path: Path, ids: list[str]) -> None:
    if path.suffix == ".txt":
        path.write_text("\n".join(ids) + "\n")
    elif path.suffix == ".csv":
        path.write_text("\n".join(["id_str,x", *(f"{i},0" for i in ids)]) + "\n")
    elif path.suffix == ".npy":
        np.save(path, np.array(ids))
    else:
        save(path, id=ids)


@pytest.mark.parametrize("name", ["rep_ids", "ids"])
@pytest.mark.parametrize("suffix", [".txt", ".csv", ".npy", ".parquet"])
def test_npy_with_ids_beside_it(tmp_path: Path, name: str, suffix: str) -> None:
    write_ids(tmp_path / (name + suffix), IDS)
    survey = open_survey(npy(tmp_path, VECTORS.astype(np.float64)))
    assert survey.kind == "vectors"
    assert survey.sources["id_str"].to_pylist() == IDS
    assert survey.sources["location"][3].as_py() == "rep.npy#3"
    vectors, failures = survey.vectors(slice(4, 9))
    assert vectors.dtype == np.float32
    assert np.array_equal(vectors, VECTORS[4:9])
    assert not any(failures)


def test_integer_ids_of_an_array_are_exact(tmp_path: Path) -> None:
    np.save(tmp_path / "ids.npy", np.arange(25) + 1237648720693755918)
    ids = open_survey(npy(tmp_path)).sources["id_str"].to_pylist()
    assert ids[-1] == "1237648720693755942"


def test_first_file_of_ids_is_used_and_the_other_noted(tmp_path: Path) -> None:
    write_ids(tmp_path / "rep_ids.npy", IDS)
    write_ids(tmp_path / "ids.txt", IDS[::-1])
    survey = open_survey(npy(tmp_path))
    assert survey.sources["id_str"].to_pylist() == IDS
    assert any("'ids.txt'" in note for note in survey.notes)


@pytest.mark.parametrize("suffix", [".txt", ".npy"])
def test_an_empty_id_of_a_file_of_ids_is_told_by_its_row(tmp_path: Path, suffix: str) -> None:
    write_ids(tmp_path / f"ids{suffix}", [*IDS[:2], " ", *IDS[3:]])
    with pytest.raises(CatalogError, match=rf"ids{suffix}: 1 of 25 ids are empty \(row 3\)"):
        open_survey(npy(tmp_path))


def test_ids_of_an_array_that_are_no_ids_are_told_without_a_column(tmp_path: Path) -> None:
    for ids, told in ((np.arange(25.0), "the ids are double"), (np.arange(25) > 3, "are bool")):
        np.save(tmp_path / "ids.npy", ids)
        with pytest.raises(CatalogError, match=told) as error:
            open_survey(npy(tmp_path))
        assert "ids.npy" in str(error.value) and "column" not in str(error.value)


def test_faulty_npy_is_refused(tmp_path: Path) -> None:
    path = npy(tmp_path)
    with pytest.raises(CatalogError, match=r"no ids beside it; expected one of rep_ids.txt"):
        open_survey(path)
    write_ids(tmp_path / "ids.txt", IDS[:-1])
    with pytest.raises(CatalogError, match=r"24 ids.*25 vectors"):
        open_survey(path)
    write_ids(tmp_path / "ids.txt", [*IDS[:-1], IDS[0]])
    with pytest.raises(CatalogError, match="1 ids stand for"):
        open_survey(path)
    for array in (np.zeros(5), np.zeros((5, 2), int), np.zeros((0, 3)), np.array([[None]])):
        with pytest.raises(CatalogError, match=r"rep\.npy"):
            open_survey(npy(tmp_path, array))
    path.write_bytes(b"nonsense")
    with pytest.raises(CatalogError, match=r"cannot be read as .npy"):
        open_survey(path)


def test_fingerprint_follows_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "t.parquet", id=["a"], f_0=[1.0], f_1=[2.0])
    before = open_survey(path).fingerprint()
    assert open_survey(path).fingerprint() == before
    monkeypatch.chdir(tmp_path)
    assert open_survey(Path("t.parquet")).fingerprint() == before
    save(path, id=["a"], f_0=[1.0], f_1=[2.0], f_2=[2.0])
    assert open_survey(path).fingerprint() != before
