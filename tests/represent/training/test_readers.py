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
from skerry.represent.training.readers import Galaxies, open_galaxies
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


def shard_saying(path: Path, *said: object) -> Path:
    with tarfile.open(path, "w") as archive:
        for i, each in enumerate(said):
            add(archive, f"g{i}.png", PNG["a"])
            add(archive, f"g{i}.json", json.dumps(each).encode())
    return path


@pytest.mark.parametrize(
    "wrong",
    [{"bright_yes": v} for v in ("30", [30], True, {"n": 30}, 10**400)]
    + [{"summary": 3}, {"summary": ["x"]}, {"id_str": ["x"]}],
)
def test_a_shard_of_mixed_values_is_told_with_its_key(
    wrong: dict[str, object], tmp_path: Path
) -> None:
    name = next(iter(wrong))
    path = shard_saying(tmp_path / "s.tar", {"bright_yes": 3, "summary": "x"}, wrong)
    with pytest.raises(InputError, match=rf"s\.tar: g1\.json says {name} = "):
        open_galaxies(path, SCHEMA)


@pytest.mark.parametrize("label", ["", "  ", " spiral\n"])
def test_a_label_in_a_shard_is_read_as_in_a_csv(label: str, tmp_path: Path) -> None:
    path = shard_saying(tmp_path / "s.tar", {"bright_yes": 3, "summary": label})
    assert open_galaxies(path, SCHEMA).table["summary"].to_pylist() == [label.strip() or None]


def test_what_is_beside_the_votes_may_be_anything(tmp_path: Path) -> None:
    path = shard_saying(tmp_path / "s.tar", {"bright_yes": 3.5, "bright_note": ["odd"]}, {})
    assert open_galaxies(path, SCHEMA).table.to_pydict() == {"bright_yes": [3.5, None]}


def test_parts_with_votes_and_without_load_together(tmp_path: Path) -> None:
    folder = as_parquet(tmp_path / "data")
    image = [{"bytes": PNG["a"], "path": "d.png"}]
    pq.write_table(pa.table({"id_str": ["d"], "image": image}), folder / "train-2.parquet")
    more = {"id_str": ["e"], "image": image, "bright_yes": [1.5], "bright_no": [0.5]}
    pq.write_table(pa.table(more), folder / "train-3.parquet")
    found = open_galaxies(folder, SCHEMA)
    votes = dict(zip(found.ids, found.table["bright_yes"].to_pylist(), strict=True))
    assert votes == {"b": 30, "a": 5, "c": None, "d": None, "e": 1.5}
    pq.write_table(
        pa.table({"id_str": ["f"], "image": image, "bright_yes": [[1]]}), folder / "x.parquet"
    )
    with pytest.raises(InputError, match="do not fit together"):
        open_galaxies(folder, SCHEMA)
