"""Surveys over HTTP: tried again where a server fails, never half an image taken for a whole."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("fsspec")
pytest.importorskip("aiohttp")

from skerry.config import SourcesConfig
from skerry.errors import CatalogError, InputError
from skerry.survey import Survey, attributes, decode, open_survey
from skerry.survey.streams import remote
from skerry.types import Failure
from tests.survey.forms import (
    drawn,
    suffix,
    write_folder,
    write_hats,
    write_parquet,
    write_tar,
    write_tars,
)
from tests.survey.web_server import Web, serving

SOURCES = drawn(40)
IMAGES = {s.id_str: s.image for s in SOURCES}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "WAIT", 0.01)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("web")
    write_folder(root / "folder", SOURCES)
    write_tars(root / "tars", SOURCES)
    write_parquet(root / "parquet", SOURCES)
    write_hats(root / "hats", SOURCES)
    vectors = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)
    np.save(root / "vectors.npy", vectors)
    (root / "vectors_ids.txt").write_text("\n".join(IMAGES) + "\n")
    return root


@pytest.fixture
def web(root: Path) -> Iterator[Web]:
    with serving(Web(root)) as web:
        yield web


def read(survey: Survey, batch: int = 8) -> dict[str, bytes | Failure]:
    """All images, by id, as an encoder asks for them."""
    rows = (range(i, min(i + batch, len(survey))) for i in range(0, len(survey), batch))
    images = [image for part in survey.ahead(rows) for image in part]
    return dict(zip(survey.sources["id_str"].to_pylist(), images, strict=True))


FORMS = [
    "folder", "folder/catalog.csv", "folder/images", "tars", "tars/train-{000..003}.tar",
    "tars/*.tar", "parquet", "hats",
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_read(web: Web, form: str) -> None:
    survey = open_survey(f"{web.address}/{form}")
    assert read(survey) == IMAGES
    assert list(survey.images([3, 1])) == [
        IMAGES[i.as_py()] for i in (survey.sources["id_str"][3], survey.sources["id_str"][1])
    ]
    if form != "folder/images":
        assert sorted(survey.sources["ra"].to_pylist()) == sorted(s.ra for s in SOURCES)


def test_vectors_by_ranges(web: Web, root: Path) -> None:
    survey = open_survey(f"{web.address}/vectors.npy")
    expected = np.load(root / "vectors.npy")
    np.testing.assert_array_equal(survey.vectors(slice(7, 31))[0], expected[7:31])
    assert survey.sources["id_str"].to_pylist() == list(IMAGES)
    assert web.ranged[-1][2] - web.ranged[-1][1] == 24 * 5 * 4


def test_a_catalog_here_may_name_images_elsewhere(web: Web, tmp_path: Path) -> None:
    (tmp_path / "near.png").write_bytes(IMAGES["g0000"])
    lines = ["id,image", "near,near.png", f"far,{web.address}/folder/images/g0001.jpg",
             f"none,{web.address}/folder/images/none.jpg"]  # fmt: skip
    (tmp_path / "catalog.csv").write_text("\n".join(lines))
    survey = open_survey(tmp_path / "catalog.csv")
    found = read(survey)
    assert (found["near"], found["far"]) == (IMAGES["g0000"], IMAGES["g0001"])
    missing = found["none"]
    assert isinstance(missing, Failure) and missing.reason == "no such file"
    before = survey.fingerprint()
    (tmp_path / "near.png").write_bytes(IMAGES["g0002"])
    assert survey.fingerprint() != before


def test_names_that_need_quotes(web: Web, tmp_path: Path) -> None:
    names = ["a b", "c#d", "e%20f", "g?h", "i+j", "ü"]
    for name in names:
        (tmp_path / f"{name}.png").write_bytes(IMAGES["g0000"])
    with serving(Web(tmp_path)) as web:
        (tmp_path / "catalog.csv").write_text(
            "id,file\n" + "".join(f"{n},{n}.png\n" for n in names)
        )
        survey = open_survey(f"{web.address}/catalog.csv")
        assert read(survey) == dict.fromkeys(names, IMAGES["g0000"])
        (tmp_path / "catalog.csv").unlink()
        assert read(open_survey(web.address)) == dict.fromkeys(names, IMAGES["g0000"])


@pytest.mark.parametrize("how", ["500", "503", "429", "short", "stall"])
@pytest.mark.parametrize("form", ["folder", "tars", "parquet", "hats"])
def test_a_server_that_fails_at_first(
    web: Web, form: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how == "stall":
        monkeypatch.setattr(remote, "TIMEOUT", 0.5)
    survey = open_survey(f"{web.address}/{form}")
    for name in ("g0001", "g0030", "train-001.tar", "00002-of", "Npix=1"):
        web.fails[name] = [how, how]
    assert read(survey) == IMAGES
    assert sum(map(len, web.fails.values())) < 10


@pytest.mark.parametrize(
    "how, said",
    [
        ("500", "the server answered 500, 4 tries"),
        ("404", "no such file"),
        ("403", "the server refuses access; see the credentials"),
        ("short", "the answer was cut short"),
        ("stall", "no answer within 0.5 s, 4 tries"),
    ],
)
def test_what_cannot_be_had_is_a_failure(
    web: Web, how: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how == "stall":
        monkeypatch.setattr(remote, "TIMEOUT", 0.5)
    survey = open_survey(f"{web.address}/folder")
    web.fails["g0005"] = how
    found = read(survey)
    bad = found.pop("g0005")
    assert isinstance(bad, Failure) and said in bad.reason
    assert bad.location == f"images/g0005{suffix(5)}"
    assert found == {k: v for k, v in IMAGES.items() if k != "g0005"}
    tries = web.asked[f"GET folder/images/g0005{suffix(5)}"]
    assert tries == (1 if how in ("404", "403") else remote.TRIES)


def test_half_an_image_of_unknown_length_is_no_image(web: Web) -> None:
    survey = open_survey(f"{web.address}/folder")
    web.fails["images/g00"] = "drop"
    for i, data in enumerate(read(survey).values()):
        assert isinstance(data, bytes) and len(data) < len(SOURCES[i].image)
        with pytest.raises(Exception, match="truncated"):
            decode(data, f"x{suffix(i)}")


@pytest.mark.parametrize("form", ["tars", "parquet", "hats"])
def test_a_shard_that_vanishes_gives_failures_that_name_it(tmp_path: Path, form: str) -> None:
    write_tars(tmp_path / "tars", SOURCES)
    write_parquet(tmp_path / "parquet", SOURCES)
    write_hats(tmp_path / "hats", SOURCES)
    with serving(Web(tmp_path)) as web:
        survey = open_survey(f"{web.address}/{form}")
        before = survey.fingerprint()
        shard = (
            sorted((tmp_path / form).rglob("*[0-9].tar"))[1:2]
            or [p for p in sorted((tmp_path / form).rglob("*.parquet")) if "thumb" not in p.name][
                1:2
            ]
        )
        shard[0].unlink()
        found = read(survey)
        bad = [f for f in found.values() if isinstance(f, Failure)]
        assert 10 <= len(bad) <= 14
        assert all(shard[0].name in f.reason and "no such file" in f.reason for f in bad)
        assert {k: v for k, v in found.items() if isinstance(v, bytes)}.items() <= IMAGES.items()
        assert survey.fingerprint() != before


@pytest.mark.parametrize("path", ["none", "none.csv", "none.parquet", "none.tar", "none.npy"])
def test_an_input_that_is_not_there_ends_before_work(web: Web, path: str) -> None:
    with pytest.raises(InputError, match=f"{web.address}/{path}"):
        open_survey(f"{web.address}/{path}")


def test_a_server_that_is_not_there_ends_before_work() -> None:
    with pytest.raises(InputError, match=r"127.0.0.1:9/x.csv cannot be read: the server cannot"):
        open_survey("http://127.0.0.1:9/x.csv")
    with pytest.raises(InputError, match=r"127.0.0.1:9/x/\S+ cannot be read: the server"):
        open_survey("http://127.0.0.1:9/x")


def test_a_server_that_answers_all_with_a_page_is_no_listing(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    # what fsspec makes of it
    monkeypatch.setattr(remote, "listing", lambda folder: [{}])
    with pytest.raises(InputError, match=r"what the server answers names no file; give a catalog"):
        open_survey(f"{web.address}/folder")


@pytest.mark.parametrize("name", ["catalog.csv", "train-001.tar", "00002-of", "Npix=1"])
def test_a_catalog_or_shard_that_cannot_be_opened_ends_before_work(web: Web, name: str) -> None:
    web.fails[name] = "500"
    form = {"c": "folder", "t": "tars", "0": "parquet", "N": "hats"}[name[0]]
    with pytest.raises(InputError, match=rf"{name}.*the server answered 500, 4 tries"):
        open_survey(f"{web.address}/{form}")


def test_a_server_without_ranges_is_told_of(web: Web) -> None:
    web.ranges = False
    assert read(open_survey(f"{web.address}/folder")) == IMAGES
    big = write_tar(web.root / "big/a.tar", {f"{i}.png": bytes(300_000) for i in range(5)})
    with pytest.raises(CatalogError, match=r"a\.tar.*no range requests"):
        open_survey(f"{web.address}/big")
    big.unlink()


def test_a_store_that_refuses_what_is_not_there(web: Web) -> None:
    web.refuses = True
    assert read(open_survey(f"{web.address}/folder")) == IMAGES
    assert read(open_survey(f"{web.address}/hats")) == IMAGES


def test_images_side_by_side_in_a_tar_are_one_request(web: Web) -> None:
    survey = open_survey(f"{web.address}/tars")
    web.ranged.clear()
    assert len(list(survey.images(range(8)))) == 8
    assert [name for name, *_ in web.ranged] == ["tars/train-000.tar"]
    web.ranged.clear()
    assert len(list(survey.images([39, 5, 6]))) == 3
    assert sorted(name for name, *_ in web.ranged) == ["tars/train-000.tar", "tars/train-003.tar"]


def test_a_tar_is_looked_through_once(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    one = open_survey(f"{web.address}/tars")
    web.ranged.clear()
    two = open_survey(f"{web.address}/tars")
    assert not web.ranged and two.sources == one.sources and read(two) == IMAGES
    assert attributes(two, ["g0003"]).numbers["mag"][0] == 23
    for path in Path(os.environ["XDG_CACHE_HOME"], "skerry/tars").iterdir():
        path.write_bytes(path.read_bytes()[:-9])
    assert read(open_survey(f"{web.address}/tars")) == IMAGES
    write_tars(web.root / "again", SOURCES)
    open_survey(f"{web.address}/again")
    write_tars(web.root / "again", SOURCES[::-1])
    assert read(open_survey(f"{web.address}/again")) == IMAGES
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    assert read(open_survey(f"{web.address}/tars")) == IMAGES


def test_latency_is_hidden(web: Web) -> None:
    survey = open_survey(f"{web.address}/folder/catalog.csv")
    web.delay = 0.05
    began = time.monotonic()
    assert read(survey, batch=4) == IMAGES
    assert time.monotonic() - began < 0.3 * len(SOURCES) * web.delay
    began = time.monotonic()
    rows = range(39, -1, -1)
    assert list(survey.images(rows)) == [IMAGES[f"g{i:04d}"] for i in rows]
    assert time.monotonic() - began < 0.3 * len(SOURCES) * web.delay


def test_what_is_ahead_is_bounded_and_ends_with_its_reader(web: Web) -> None:
    many = drawn(4, side=20)
    (web.root / "many").mkdir()
    for i in range(300):
        (web.root / f"many/{i:03d}.png").write_bytes(many[0].image)
    survey = open_survey(f"{web.address}/many")
    stream: Any = survey.ahead(range(i, i + 10) for i in range(0, 300, 10))
    next(stream)
    time.sleep(0.3)
    asked = sum(count for name, count in web.asked.items() if name.startswith("GET many/0"))
    assert 10 < asked <= 10 + 64 + 10
    stream.close()


def test_the_fingerprint_tells_a_change_and_no_more(tmp_path: Path) -> None:
    write_tars(tmp_path / "tars", SOURCES)
    write_folder(tmp_path / "folder", SOURCES)
    with serving(Web(tmp_path)) as web:
        for form, name in {"tars": "train-002.tar", "folder": "images/g0003.jpg"}.items():
            address = f"{web.address}/{form}"
            before = open_survey(address).fingerprint()
            assert open_survey(f"{address}/").fingerprint() == before
            path = tmp_path / form / name
            path.write_bytes(path.read_bytes())
            assert open_survey(address).fingerprint() != before


def test_what_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    remote._filesystem.cache_clear()
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(Exception, match=r"pip install 'skerry\[streams\]'"):
        open_survey("s3://bucket/folder", SourcesConfig())
    remote._filesystem.cache_clear()
    monkeypatch.undo()
    with pytest.raises(Exception, match="no kind of address that is known"):
        open_survey("nonsense://bucket/folder")
