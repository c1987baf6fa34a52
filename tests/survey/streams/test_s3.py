"""Surveys in S3, on a server of moto on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("s3fs")
pytest.importorskip("moto")
pytest.importorskip("flask")

from skerry.errors import InputError
from skerry.survey import Survey, open_survey
from skerry.survey.streams import remote
from skerry.types import Failure
from tests.survey.forms import drawn, write_folder, write_hats, write_parquet, write_tars

SOURCES = drawn(40)
IMAGES = {s.id_str: s.image for s in SOURCES}
FORMS = ("folder", "folder/images", "tars", "tars/*.tar", "parquet", "hats")


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    root = tmp_path_factory.mktemp("bucket")
    write_folder(root / "folder", SOURCES)
    write_tars(root / "tars", SOURCES)
    write_tars(root / "dr10.1/tars.v2", SOURCES)
    write_parquet(root / "parquet", SOURCES)
    write_hats(root / "hats", SOURCES)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "any")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "any")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        remote._filesystem.cache_clear()
        fs = remote.filesystem("s3://survey.v1")
        fs.mkdir("survey.v1")
        fs.put(f"{root}/", "survey.v1/", recursive=True)
        yield "s3://survey.v1"
        remote._filesystem.cache_clear()
    server.stop()


def read(survey: Survey) -> dict[str, bytes | Failure]:
    rows = (range(i, min(i + 8, len(survey))) for i in range(0, len(survey), 8))
    images = [image for part in survey.ahead(rows) for image in part]
    return dict(zip(survey.sources["id_str"].to_pylist(), images, strict=True))


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_read(bucket: str, form: str) -> None:
    survey = open_survey(f"{bucket}/{form}")
    assert read(survey) == IMAGES
    assert survey.fingerprint() == open_survey(f"{bucket}/{form}/").fingerprint()


def test_the_bucket_itself_is_a_folder(bucket: str) -> None:
    fs = remote.filesystem(bucket)
    assert read(open_survey(f"{bucket}/dr10.1/tars.v2")) == IMAGES
    fs.mkdir("only.tars")
    fs.copy(f"{bucket}/tars/train-000.tar", "s3://only.tars/0.tar")
    assert len(open_survey("s3://only.tars")) == 10


@pytest.mark.parametrize("form, name", [("tars", "train-001.tar"), ("folder", "images/g0003.jpg")])
def test_a_changed_object_changes_the_fingerprint(bucket: str, form: str, name: str) -> None:
    fs, path = remote.filesystem(bucket), f"{bucket}/{form}/{name}"
    before = open_survey(f"{bucket}/{form}").fingerprint()
    data = fs.cat_file(path)
    # of a tar a byte of its first image: behind its end marker only zeros may follow
    at = 600 if form == "tars" else len(data) - 1
    fs.pipe_file(path, data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    assert open_survey(f"{bucket}/{form}").fingerprint() != before
    fs.pipe_file(path, data)


def test_no_credentials(bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    remote._filesystem.cache_clear()
    with pytest.raises(InputError, match=r"no credentials for it.*FSSPEC_S3_ANON"):
        open_survey(f"{bucket}/folder/catalog.csv")
    remote._filesystem.cache_clear()


def test_what_is_not_there(bucket: str) -> None:
    survey = open_survey(f"{bucket}/tars")
    folder = open_survey(f"{bucket}/folder")
    fs = remote.filesystem(bucket)
    fs.copy(f"{bucket}/tars/train-003.tar", f"{bucket}/kept.tar")
    fs.copy(f"{bucket}/folder/images/g0001.jpg", f"{bucket}/kept.jpg")
    fs.rm(f"{bucket}/tars/train-003.tar")
    fs.rm(f"{bucket}/folder/images/g0001.jpg")
    bad = [f for f in read(survey).values() if isinstance(f, Failure)]
    assert len(bad) == 10 and {f.reason for f in bad} == {"train-003.tar: no such file"}
    one = read(folder)["g0001"]
    assert isinstance(one, Failure) and one.reason == "no such file"
    fs.copy(f"{bucket}/kept.tar", f"{bucket}/tars/train-003.tar")
    fs.copy(f"{bucket}/kept.jpg", f"{bucket}/folder/images/g0001.jpg")
    for path in ("none", "none.csv", "none/x.tar"):
        with pytest.raises(InputError, match=path):
            open_survey(f"{bucket}/{path}")
    with pytest.raises(InputError, match="no-such-bucket"):
        open_survey("s3://no-such-bucket/tars")
