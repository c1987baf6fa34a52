from __future__ import annotations

import csv
import io
import json
import os
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skerry.errors import InputError
from skerry.represent.training.readers import Galaxies, open_galaxies, read_ids
from skerry.represent.trees.schema import Question, Schema

SCHEMA = Schema("s", (Question("bright", ("yes", "no")),))
IDS = ("b", "a", "c")
VOTES = {"b": (30, 10), "a": (5, 35), "c": (None, None)}
SUMMARIES = {"b": "x", "a": None, "c": "y"}


def png(value: int) -> bytes:
    pixels = np.full((8, 8, 3), value, np.uint8)
    pixels[2:6, 2:6] = 200
    return cv2.imencode(".png", pixels)[1].tobytes()


PNG = {name: png(10 * i) for i, name in enumerate(IDS)}


def as_parquet(folder: Path) -> Path:
    folder.mkdir()
    for part, ids in enumerate((IDS[:2], IDS[2:])):
        columns = {
            "id_str": list(ids),
            "image": [{"bytes": PNG[i], "path": f"{i}.png"} for i in ids],
            "bright_yes": pa.array([VOTES[i][0] for i in ids], pa.int64()),
            "bright_no": pa.array([VOTES[i][1] for i in ids], pa.int64()),
            "summary": pa.array([SUMMARIES[i] for i in ids], pa.string()),
            "unrelated": [1.5] * len(ids),
        }
        pq.write_table(pa.table(columns), folder / f"train-{part}.parquet")
    return folder


def as_folder(folder: Path) -> Path:
    folder.mkdir()
    with (folder / "catalog.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["id_str", "file_loc", "bright_yes", "bright_no", "summary", "unrelated"])
        for name in IDS:
            (folder / f"{name}.png").write_bytes(PNG[name])
            votes = ["" if v is None else v for v in VOTES[name]]
            out.writerow([name, f"{name}.png", *votes, SUMMARIES[name] or "", "1.5"])
    return folder


def add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))


def as_shards(folder: Path) -> Path:
    folder.mkdir()
    for part, ids in enumerate((IDS[:2], IDS[2:])):
        with tarfile.open(folder / f"s-{part}.tar", "w") as archive:
            for name in ids:
                said = {"bright_yes": VOTES[name][0], "bright_no": VOTES[name][1]}
                said |= {"summary": SUMMARIES[name], "unrelated": 1.5}
                add(archive, f"{name}.png", PNG[name])
                add(archive, f"{name}.json", json.dumps(said).encode())
    return folder


@pytest.mark.parametrize("write", [as_parquet, as_folder, as_shards])
def test_each_layout_says_the_same_of_each_galaxy(write: object, tmp_path: Path) -> None:
    found: Galaxies = open_galaxies(write(tmp_path / "data"), SCHEMA)  # type: ignore[operator]
    assert sorted(found.ids) == sorted(IDS)
    images = list(found.images(range(3)))
    assert [images[i] for i in range(3)] == [PNG[i] for i in found.ids]
    assert list(found.images([2, 0])) == [PNG[found.ids[2]], PNG[found.ids[0]]]
    assert set(found.table.column_names) == {"bright_yes", "bright_no", "summary"}
    yes, no = found.table["bright_yes"].to_pylist(), found.table["bright_no"].to_pylist()
    assert list(zip(yes, no, strict=True)) == [VOTES[i] for i in found.ids]
    assert found.table["summary"].to_pylist() == [SUMMARIES[i] for i in found.ids]


@pytest.mark.parametrize("write", [as_parquet, as_folder, as_shards])
def test_the_fingerprint_changes_with_the_files(write: object, tmp_path: Path) -> None:
    folder = write(tmp_path / "data")  # type: ignore[operator]
    first = open_galaxies(folder, SCHEMA).fingerprint
    assert open_galaxies(folder, SCHEMA).fingerprint == first
    touched = next(p for p in folder.iterdir() if p.suffix in (".png", ".parquet", ".tar"))
    os.utime(touched, (1, 1))
    assert open_galaxies(folder, SCHEMA).fingerprint != first


def test_a_folder_of_images_alone_has_no_votes(tmp_path: Path) -> None:
    for name in IDS:
        (tmp_path / f"{name}.png").write_bytes(PNG[name])
    found = open_galaxies(tmp_path, SCHEMA)
    assert len(found.ids) == found.table.num_rows == 3
    assert not set(found.table.column_names) & set(SCHEMA.columns)


def test_shards_take_keys_for_ids_and_folders_into_account(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "s.tar", "w") as archive:
        add(archive, "y/g.1.png", PNG["a"])  # WebDataset: the key ends at the first dot
        add(archive, "x/g.png", PNG["b"])
        add(archive, "x/g.json", json.dumps({"id_str": 17}).encode())
    with pytest.raises(InputError, match="'y/g' has no image"):
        open_galaxies(tmp_path / "s.tar", SCHEMA)
    with tarfile.open(tmp_path / "s.tar", "w") as archive:
        add(archive, "y/g.png", PNG["a"])
        add(archive, "x/g.png", PNG["b"])
        add(archive, "x/g.json", json.dumps({"id_str": 17}).encode())
    found = open_galaxies(tmp_path / "s.tar", SCHEMA)
    assert found.ids == ("17", "y/g")
    assert list(found.images([0, 1])) == [PNG["b"], PNG["a"]]


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "bad.tar").write_bytes(b"no tar at all" * 100)
    with pytest.raises(InputError, match=r"bad\.tar is no sound"):
        open_galaxies(tmp_path / "bad.tar", SCHEMA)
    with tarfile.open(tmp_path / "bad.tar", "w") as archive:
        add(archive, "a.png", PNG["a"])
        add(archive, "a.json", b"{")
    with pytest.raises(InputError, match="is not JSON"):
        open_galaxies(tmp_path / "bad.tar", SCHEMA)
    with pytest.raises(InputError, match="does not exist"):
        open_galaxies(tmp_path / "none.tar", SCHEMA)
    np.save(tmp_path / "v.npy", np.zeros((3, 4), np.float32))
    pq.write_table(
        pa.table({"id_str": IDS, **{f"feat_{i}": [0.0, 1.0, 2.0] for i in range(4)}}),
        tmp_path / "v.parquet",
    )
    with pytest.raises(InputError, match="holds vectors; training needs images"):
        open_galaxies(tmp_path / "v.parquet", SCHEMA)
    folder = as_folder(tmp_path / "words")
    text = (folder / "catalog.csv").read_text()
    (folder / "catalog.csv").write_text(text.replace("30", "many"))
    with pytest.raises(InputError, match="'bright_yes' of votes holds no numbers"):
        open_galaxies(folder, SCHEMA)


def test_a_shard_with_an_id_twice_is_refused(tmp_path: Path) -> None:
    for name in ("s1", "s2"):
        with tarfile.open(tmp_path / f"{name}.tar", "w") as archive:
            add(archive, "a.png", PNG["a"])
    with pytest.raises(InputError, match="more than one source"):
        open_galaxies(tmp_path, SCHEMA)


def test_ids_come_from_text_and_from_csv(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("1\n 2 \n\n")
    (tmp_path / "b.csv").write_text("r,id_str\n0.9,3\n")
    assert read_ids([tmp_path / "a.txt", tmp_path / "b.csv"]) == {"1", "2", "3"}
    (tmp_path / "c.csv").write_text("name\n3\n")
    with pytest.raises(InputError, match="no column 'id_str'"):
        read_ids([tmp_path / "c.csv"])
    with pytest.raises(InputError, match="cannot be read"):
        read_ids([tmp_path / "none.txt"])
