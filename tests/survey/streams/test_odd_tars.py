"""Tars as other tools write them: linked, joined, hidden and oddly named files."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import numpy as np
import pytest

from skerry.config import SourcesConfig
from skerry.errors import CatalogError
from skerry.survey import attributes, open_survey
from skerry.types import Failure
from tests.survey.forms import drawn, samples, write_tar

SOURCES = drawn(6)
ONE, TWO = SOURCES[0].image, SOURCES[2].image


def linked(path: Path, *links: tuple[str, str, bytes]) -> Path:
    """A tar of two images and links: name, what it leads to, type."""
    with tarfile.open(path, "w") as tar:
        for name, data in (("a/x.png", ONE), ("y.png", TWO)):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        for name, to, kind in links:
            info = tarfile.TarInfo(name)
            info.linkname, info.type = to, kind
            tar.addfile(info)
    return path


def found(path: Path) -> dict[str, bytes | Failure]:
    survey = open_survey(path)
    ids = survey.sources["id_str"].to_pylist()
    return dict(zip(ids, survey.images(range(len(survey))), strict=True))


def test_links_are_the_files_they_lead_to(tmp_path: Path) -> None:
    path = linked(
        tmp_path / "a.tar",
        ("hard.png", "a/x.png", tarfile.LNKTYPE),
        ("a/soft.png", "../y.png", tarfile.SYMTYPE),
        ("a/beside.png", "x.png", tarfile.SYMTYPE),
        ("gone.png", "/data/z.png", tarfile.SYMTYPE),
        ("chain.png", "next.png", tarfile.SYMTYPE),
        ("next.png", "a/x.png", tarfile.SYMTYPE),
        ("round.png", "round.png", tarfile.SYMTYPE),
    )
    held = found(path)
    assert {k: v for k, v in held.items() if isinstance(v, bytes)} == {
        "x": ONE, "y": TWO, "hard": ONE, "soft": TWO, "beside": ONE, "chain": ONE, "next": ONE
    }  # fmt: skip
    gone = held["gone"]
    assert isinstance(gone, Failure)
    assert gone.reason == "it is a link to '/data/z.png', which is no file of the tar that is read"


def test_tars_joined_by_cat_are_read_to_their_end(tmp_path: Path) -> None:
    parts = [write_tar(tmp_path / f"{i}.part", samples(SOURCES[3 * i :][:3], i)) for i in (0, 1)]
    whole = tmp_path / "all.tar"
    whole.write_bytes(b"".join(part.read_bytes() for part in parts))
    # keys repeat, so that the ids of the JSON are what tells them apart
    assert found(whole)["g0000"] == SOURCES[0].image
    write_tar(parts[1], samples(SOURCES[3:], 10))
    whole.write_bytes(b"".join(part.read_bytes() for part in parts))
    assert found(whole) == {s.id_str: s.image for s in SOURCES}
    whole.write_bytes(whole.read_bytes() + b"left over")
    with pytest.raises(CatalogError, match=r"ends early or is damaged after '000012\.json'"):
        open_survey(whole)


def test_hidden_files_are_left_out(tmp_path: Path) -> None:
    names = ("x.png", "._x.png", ".DS_Store", "a/._y.png", ".trash/z.png", "./w.png")
    path = write_tar(tmp_path / "a.tar", {name: ONE for name in names})
    assert found(path) == {"x": ONE, "w": ONE}


def test_a_name_that_is_not_utf8_is_a_failure_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT, encoding="latin-1") as tar:
        for name in ("caf\xe9.png", "x.png"):
            info = tarfile.TarInfo(name)
            info.size = len(ONE)
            tar.addfile(info, io.BytesIO(ONE))
    held = found(path)
    assert held["x"] == ONE
    odd = held["caf\\xe9"]
    assert isinstance(odd, Failure)
    assert odd.reason == r"its name in the tar, 'caf\\xe9.png', is not UTF-8"


def test_sparse_files_are_failures(tmp_path: Path) -> None:
    file = tmp_path / "x.png"
    with file.open("wb") as out:
        out.write(ONE)
        out.truncate(10_000_000)
    command = ["tar", "--sparse", "-cf", "a.tar", "x.png"]
    made = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True)
    if made.returncode:
        pytest.skip("no GNU tar")
    file.unlink()
    held = found(tmp_path / "a.tar")["x"]
    assert isinstance(held, Failure)
    assert "sparse" in held.reason


def test_ids_of_another_type_in_each_tar(tmp_path: Path) -> None:
    write_tar(tmp_path / "a.tar", {"0.png": ONE, "0.json": b'{"id_str": 587722982829850805}'})
    write_tar(tmp_path / "b.tar", {"1.png": TWO, "1.json": b'{"id_str": 5.87e17}'})
    with pytest.raises(CatalogError, match="double, which loses digits"):
        open_survey(tmp_path)


def test_the_key_may_be_chosen_for_the_id(tmp_path: Path) -> None:
    write_tar(tmp_path / "a.tar", {"a/0.png": ONE, "a/0.json": b'{"id": 1.5}'})
    survey = open_survey(tmp_path, SourcesConfig(id_column="__key__"))
    assert survey.sources["id_str"].to_pylist() == ["0"]
    assert attributes(survey, ["0"]).numbers["id"].tolist() == [1.5]


def test_metadata_of_samples_whose_key_is_the_id(tmp_path: Path) -> None:
    write_tar(tmp_path / "a.tar", {"a/0.png": ONE, "a/0.json": b'{"mag": 20.5}', "1.png": TWO})
    survey = open_survey(tmp_path)
    np.testing.assert_array_equal(attributes(survey, ["1", "0"]).numbers["mag"], [np.nan, 20.5])
    write_tar(tmp_path / "a.tar", {"0.png": ONE})
    assert attributes(open_survey(tmp_path), ["0"]).numbers == {}


def test_metadata_beside_samples_and_tars_without(tmp_path: Path) -> None:
    said = [b'{"id_str": "g0", "mag": 20, "name": "n"}', b"{bad", b'{"id_str": "g2", "z": 0.1}']
    files = {f"{i}.json": text for i, text in enumerate(said)}
    write_tar(tmp_path / "a.tar", {**files, **{f"{i}.png": ONE for i in range(3)}})
    write_tar(tmp_path / "b.tar", {"9.png": TWO})
    write_tar(tmp_path / "c.tar", {"7.png": TWO, "7.json": b'{"id_str": "g7", "z": 0.2}'})
    found = attributes(open_survey(tmp_path), ["g7", "9", "g0", "g2"])
    np.testing.assert_array_equal(found.numbers["mag"], [np.nan, np.nan, 20, np.nan])
    np.testing.assert_array_equal(found.numbers["z"], [0.2, np.nan, np.nan, 0.1])
    assert found.words["name"].tolist() == ["", "", "n", ""]
