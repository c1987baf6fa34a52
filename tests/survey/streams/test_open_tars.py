"""WebDataset tars are read where they lie; what is wrong with a sample or a tar is said."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skerry.config import SourcesConfig
from skerry.errors import CatalogError, InputError
from skerry.survey import attributes, open_survey
from skerry.types import Failure
from tests.survey.forms import Source, drawn, samples, write_tar, write_tars

SOURCES = drawn(25)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tars(tmp_path / "tars", SOURCES)


def images(path: Path | str, **config: Any) -> dict[str, bytes | Failure]:
    survey = open_survey(path, SourcesConfig(**config))
    ids = survey.sources["id_str"].to_pylist()
    return dict(zip(ids, survey.images(range(len(survey))), strict=True))


def test_samples_are_sources_and_their_json_the_catalog(folder: Path) -> None:
    survey = open_survey(folder)
    assert survey.kind == "tars"
    assert survey.sources["id_str"].to_pylist() == [s.id_str for s in SOURCES]
    assert survey.sources["ra"].to_pylist() == [s.ra for s in SOURCES]
    assert survey.sources["location"][11].as_py() == "train-001.tar#000011.jpg"
    assert survey.choices == {
        "id": "id_str", "image": "files '.jpg', '.png' of the tars", "ra": "ra", "dec": "dec"
    }  # fmt: skip
    rows = [24, 3, 4, 5, 4, 10]
    assert list(survey.images(rows)) == [SOURCES[i].image for i in rows]
    found = attributes(survey, ["g0003", "g0024", "none"])
    np.testing.assert_array_equal(found.numbers["mag"], [23, 44, np.nan])
    with pytest.raises(InputError, match="no vectors"):
        survey.vectors(slice(0, 1))


@pytest.mark.parametrize("pattern", ["train-{000..002}.tar", "train-{000,001,002}.tar", "*.tar"])
def test_tars_by_a_pattern(folder: Path, pattern: str) -> None:
    assert images(folder / pattern) == {s.id_str: s.image for s in SOURCES}
    assert len(open_survey(str(folder / "train-002.tar"))) == 5
    assert len(open_survey(f"file://{folder}/train-{{001..002}}.tar")) == 15
    with pytest.raises(InputError, match=r"train-003.tar cannot be read"):
        open_survey(folder / "train-{000..003}.tar")
    with pytest.raises(InputError, match=r"none\*.tar names no file"):
        open_survey(folder / "none*.tar")


def test_only_headers_and_json_are_read_to_open(folder: Path, monkeypatch: Any) -> None:
    read = []

    class Counted:
        def __init__(self, path: Path) -> None:
            self.file = open(path, "rb", buffering=0)  # noqa: SIM115

        def read(self, size: int = -1) -> bytes:
            data = self.file.read(size)
            read.append(len(data))
            return data

        def __enter__(self) -> Counted:
            return self

        def __exit__(self, *args: object) -> None:
            self.file.close()

        def __getattr__(self, name: str) -> Any:
            return getattr(self.file, name)

    monkeypatch.setattr(Path, "open", lambda self, mode="r": Counted(self))
    survey = open_survey(folder)
    said = sum(len(data) for name, data in samples(SOURCES) if name.endswith(".json"))
    # headers, and what a tar is filled up with to twenty blocks
    assert sum(read) <= said + 25 * 4 * 512 + 3 * 20 * 512
    assert max(read) <= 20 * 512
    assert list(survey.images([7])) == [SOURCES[7].image]


def test_the_key_is_the_id_where_the_json_has_none(tmp_path: Path) -> None:
    one, two = SOURCES[0].image, SOURCES[2].image
    write_tar(tmp_path / "a.tar", {"./deep/x.png": one, "deep/y.png": two})
    survey = open_survey(tmp_path)
    assert survey.choices["id"] == "key of the sample"
    assert survey.sources["id_str"].to_pylist() == ["x", "y"]
    assert survey.sources["location"].to_pylist() == ["a.tar#deep/x.png", "a.tar#deep/y.png"]
    assert survey.sources["ra"].null_count == 2
    assert list(survey.images([0, 1])) == [one, two]


def test_ids_keep_their_digits_whatever_the_tars_say(tmp_path: Path) -> None:
    image = SOURCES[0].image
    write_tar(tmp_path / "a.tar", {"0.png": image, "0.json": b'{"id": 587722981742084144}'})
    write_tar(tmp_path / "b.tar", {"1.png": image, "1.json": b'{"id": "J12"}'})
    assert list(images(tmp_path)) == ["587722981742084144", "J12"]
    write_tar(tmp_path / "c.tar", {"2.png": image, "2.json": b'{"id": 1.5}'})
    assert list(images(tmp_path))[2] == "1.5"
    with pytest.raises(CatalogError, match="loses digits"):
        open_survey(tmp_path / "c.tar")


def test_what_is_wrong_with_a_sample_is_a_failure_of_it(tmp_path: Path) -> None:
    good = SOURCES[0].image
    write_tar(
        tmp_path / "a.tar",
        [
            ("ok.png", good), ("ok.json", b'{"id_str": "one"}'),
            ("bare.json", b'{"id_str": "two"}'), ("bare.txt", b"words"),
            ("bad.png", good), ("bad.json", b"{no"),
            ("list.png", good), ("list.json", b"[1]"),
            ("none.png", good), ("none.json", b'{"ra": 3, "dec": 4}'),
            ("empty.png", b""), ("empty.json", b'{"id_str": "six"}'),
            ("twice.png", good), ("twice.png", good), ("twice.json", b'{"id_str": "seven"}'),
            ("said.png", good), ("said.json", b"{}"), ("said.json", b'{"id_str": "s"}'),
            ("raw.png", good), ("raw.json", b'{"name": "\xed\xa0\x80"}'),
            ("half.png", good), ("half.json", b'{"id_str": "\\ud800"}'),
            ("last.png", good), ("last.json", b'{"id_str": "eight"}'),
        ],
    )  # fmt: skip
    found = images(tmp_path)
    reasons = {k: v.reason for k, v in found.items() if isinstance(v, Failure)}
    assert [k for k, v in found.items() if v == good] == ["one", "eight"]
    assert list(reasons) == ["two", "bad", "list", "none", "six", "seven", "s", "raw", "half"]
    for name, said in {
        "two": "no image ('txt', 'json')", "bad": "are not JSON", "list": "are list, not an object",
        "none": "have no 'id_str'", "six": "0 bytes", "seven": "two files 'twice.png'",
        "s": "two files 'said.json'", "half": "surrogates not allowed",
        "raw": "can't decode",
    }.items():  # fmt: skip
        assert said in reasons[name]
    assert isinstance(found["two"], Failure) and found["two"].location == "a.tar#bare"


def test_one_image_of_several_needs_a_choice(tmp_path: Path) -> None:
    one, two = SOURCES[0].image, SOURCES[2].image
    write_tar(tmp_path / "a.tar", {"x.left.png": one, "x.right.png": two, "x.json": b"{}"})
    with pytest.raises(CatalogError, match=r"several images \('left.png', 'right.png'\).*image_c"):
        open_survey(tmp_path)
    for name in ("right.png", ".RIGHT.png"):
        assert images(tmp_path, image_column=name) == {"x": two}
    with pytest.raises(CatalogError, match=r"'fits', and no sample .* has an image of that name"):
        open_survey(tmp_path, SourcesConfig(image_column="fits"))
    write_tar(tmp_path / "b.tar", {"y.left.png": one})
    missing = images(tmp_path, image_column="right.png")["y"]
    assert isinstance(missing, Failure)
    assert missing.reason == "the sample has no image 'right.png' ('left.png')"
    (tmp_path / "b.tar").unlink()
    write_tar(tmp_path / "a.tar", {"x.jpg": SOURCES[1].image, "x.seg.png": two})
    assert images(tmp_path) == {"x": SOURCES[1].image}


def test_ids_that_repeat_across_tars_name_them(tmp_path: Path) -> None:
    for name in "ab":
        write_tar(tmp_path / f"{name}.tar", {"0.png": SOURCES[0].image})
    with pytest.raises(CatalogError, match=r"'a.tar', 'b.tar' \('0'\).*write an id_str into each"):
        open_survey(tmp_path)
    files = {"0.png": SOURCES[0].image, "0.json": b'{"id_str": "g"}'}
    write_tar(tmp_path / "a.tar", files)
    write_tar(tmp_path / "b.tar", files)
    with pytest.raises(CatalogError, match=r"'a.tar', 'b.tar' \('g'\).*an id of its own"):
        open_survey(tmp_path)


@pytest.mark.parametrize("cut", [10, 512, 700, "marker", 10240 * 2])
def test_a_tar_that_ends_early_is_named(folder: Path, cut: int | str) -> None:
    path = folder / "train-001.tar"
    data = path.read_bytes()
    with tarfile.open(path) as tar:
        info = tar.getmembers()[-1]
    end = info.offset_data + 512 if cut == "marker" else cut
    assert isinstance(end, int)
    path.write_bytes(data[:end])
    with pytest.raises(CatalogError, match=r"train-001\.tar (ends early|is no tar)"):
        open_survey(folder)


def test_damage_between_samples_is_no_end(folder: Path) -> None:
    path = folder / "train-001.tar"
    with tarfile.open(path) as tar:
        start = tar.getmembers()[6].offset
    data = bytearray(path.read_bytes())
    data[start : start + 20] = b"x" * 20
    path.write_bytes(bytes(data))
    with pytest.raises(CatalogError, match=r"train-001.tar ends early or is damaged after '000012"):
        open_survey(folder)


def test_what_is_no_tar_or_compressed(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar", samples(SOURCES[:2]))
    with tarfile.open(tmp_path / "b.tar", "w:gz") as tar:
        tar.add(path)
    with pytest.raises(CatalogError, match=r"b.tar is compressed.*: unpack it"):
        open_survey(tmp_path / "b.tar")
    (tmp_path / "d.tar").write_bytes(b"")
    with pytest.raises(CatalogError, match=r"d.tar is empty: 0 bytes"):
        open_survey(tmp_path / "d.tar")
    write_tar(tmp_path / "c.tar", {})
    with pytest.raises(CatalogError, match=r"c.tar hold no sample"):
        open_survey(tmp_path / "c.tar")
    with pytest.raises(InputError, match="does not exist"):
        open_survey(tmp_path / "none.tar")


def test_a_tar_that_vanishes_or_changes_later_gives_failures(folder: Path) -> None:
    survey = open_survey(folder)
    before = survey.fingerprint()
    (folder / "train-001.tar").unlink()
    other = [Source(s.id_str, s.ra, s.dec, SOURCES[0].image) for s in SOURCES[20:]]
    write_tar(folder / "train-002.tar", samples(other, 30))
    found = list(survey.images(range(25)))
    assert found[:10] == [s.image for s in SOURCES[:10]]
    reasons = [f.reason for f in found[10:] if isinstance(f, Failure)]
    assert len(reasons) == 15
    assert set(reasons[:10]) == {"train-001.tar: no such file"}
    assert set(reasons[10:]) == {"train-002.tar was changed since it was opened"}
    assert survey.fingerprint() != before


def test_other_files_of_a_tar_are_passed_over(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar", samples(SOURCES[:3]))
    with tarfile.open(path, "a") as tar:
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        long = tarfile.TarInfo(f"{'deep/' * 40}long.png")
        long.size = len(SOURCES[0].image)
        with (tmp_path / "image").open("wb") as file:
            file.write(SOURCES[0].image)
        with (tmp_path / "image").open("rb") as file:
            tar.addfile(long, file)
    found = images(tmp_path)
    assert found["long"].reason.endswith("the others' id")  # type: ignore[union-attr]
    assert len(found) == 4


def test_tars_of_one_name_in_several_folders(tmp_path: Path) -> None:
    for i, name in enumerate("ab"):
        write_tar(tmp_path / name / "0.tar", samples(SOURCES[i : i + 1]))
    survey = open_survey(tmp_path / "{a,b}" / "0.tar")
    assert survey.sources["location"].to_pylist() == ["a/0.tar#000000.png", "b/0.tar#000000.png"]
    assert survey.sources["location"] == open_survey(tmp_path).sources["location"]


def test_tars_by_a_pattern_of_this_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for i in range(2):
        write_tar(tmp_path / f"a{i}.tar", samples(SOURCES[i : i + 1]))
    monkeypatch.chdir(tmp_path)
    survey = open_survey("a*.tar")
    assert survey.sources["location"].to_pylist() == ["a0.tar#000000.png", "a1.tar#000000.png"]
    assert survey.fingerprint() == open_survey(tmp_path / "a*.tar").fingerprint()


def test_whole_numbers_beyond_64_bits_are_text(tmp_path: Path) -> None:
    image = SOURCES[0].image
    said = [b'{"object_id": 9223372036854775847}', b'{"object_id": 7}']
    for name, text in zip("ab", said, strict=True):
        write_tar(tmp_path / f"{name}.tar", {"0.png": image, "0.json": text})
    assert list(images(tmp_path)) == ["9223372036854775847", "7"]
