from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

import huggingface_hub  # noqa: E402
from huggingface_hub.errors import (  # noqa: E402
    EntryNotFoundError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)

from skerry.errors import EncoderError  # noqa: E402
from skerry.represent.encoder import load, shipped  # noqa: E402
from skerry.represent.foreign import resolve  # noqa: E402
from skerry.represent.foreign.network import build  # noqa: E402
from skerry.represent.foreign.source import sha256_of  # noqa: E402
from tests.represent.foreign.conftest import TINY, Save, state_of  # noqa: E402

COMMIT = "1234567890abcdef1234567890abcdef12345678"


@pytest.fixture
def cached(hub_folder: Save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub's cache that holds owner/name at one commit; returns the snapshot."""
    repository = tmp_path / "cache" / "models--owner--name"
    snapshot = hub_folder(f"cache/models--owner--name/snapshots/{COMMIT}")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    return snapshot


@pytest.mark.parametrize("offline", [False, True])
@pytest.mark.parametrize("revision", ["", "@main", f"@{COMMIT}"])
def test_a_cached_repository_needs_no_network(
    cached: Path, no_network: None, offline: bool, revision: str
) -> None:
    found = resolve(f"hf_hub:owner/name{revision}", offline=offline)
    assert found.kind == "hub"
    assert found.files == (cached / "config.json", cached / "model.safetensors")
    assert found.sha256 == sha256_of(cached / "model.safetensors")
    assert found.architecture == TINY
    assert found.revision == COMMIT
    assert found.record == f"hf_hub:owner/name@{COMMIT}"
    network, _ = build(found)
    assert torch.equal(network.encoder.conv_stem.weight, state_of()["conv_stem.weight"])


def test_a_cache_can_be_named(cached: Path, no_network: None, tmp_path: Path) -> None:
    shutil.move(tmp_path / "cache", tmp_path / "other")
    with pytest.raises(EncoderError, match="not in the cache"):
        resolve("hf_hub:owner/name", offline=True)
    assert resolve("hf_hub:owner/name", cache=tmp_path / "other").revision == COMMIT


@pytest.mark.parametrize("how", ["argument", "variable"])
def test_offline_says_what_is_missing_and_calls_nobody(
    cached: Path, no_network: None, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    if how == "variable":
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (cached / "model.safetensors").unlink()
    for name, missing in (("owner/name", "model.safetensors"), ("owner/none", "config.json")):
        with pytest.raises(EncoderError, match=f"{missing} of .* offline; fetch it once"):
            resolve(f"hf_hub:{name}", offline=how == "argument")


def fails_with(error: Exception) -> object:
    def download(*arguments: object, **more: object) -> str:
        raise error

    return download


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (LocalEntryNotFoundError("no"), "could not be reached .*try again"),
        (ConnectionError("no"), "could not be reached .*try again"),
        (EntryNotFoundError("no"), "has no file config.json"),
        (RepositoryNotFoundError.__new__(RepositoryNotFoundError), "private: check owner"),
    ],
)
def test_what_the_hub_says_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fails_with(error))
    with pytest.raises(EncoderError, match=words):
        resolve("hf_hub:owner/name", cache=tmp_path)


def test_what_is_not_cached_is_fetched_at_the_commit_of_its_configuration(
    cached: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def download(repository: str, name: str, *, cache_dir: str, revision: str) -> str:
        asked.append((name, revision))
        if name == "config.json":
            return str(cached / name)
        if name != "pytorch_model.bin":
            raise EntryNotFoundError("no")
        torch.save({"x": torch.zeros(1)}, cached / name)
        return str(cached / name)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    (cached / "model.safetensors").unlink()
    found = resolve("hf_hub:owner/name", cache=tmp_path / "empty")
    assert found.weights.name == "pytorch_model.bin"
    assert asked[0] == ("config.json", "main")
    assert {revision for _, revision in asked[1:]} == {COMMIT}


@pytest.mark.parametrize("name", ["name", "/name", "a/b/c", ""])
def test_a_name_that_is_no_repository_is_refused(name: str, no_network: None) -> None:
    with pytest.raises(EncoderError, match="expected hf_hub:owner/name"):
        resolve(f"hf_hub:{name}")


@pytest.mark.parametrize("name", ["a b/c d", "-a/b", "a/b..c"])
def test_a_name_that_the_hub_does_not_allow_is_refused(name: str, no_network: None) -> None:
    with pytest.raises(EncoderError, match=f"'{name}' is no name on the hub"):
        resolve(f"hf_hub:{name}")


def test_a_folder_in_the_hubs_format(hub_folder: Save) -> None:
    folder = hub_folder()
    found = resolve(str(folder))
    assert (found.kind, found.architecture, found.record) == ("folder", TINY, "theirs")
    (folder / "model.safetensors").rename(folder / "notes.txt")
    with pytest.raises(EncoderError, match=r"expected config\.json and one of"):
        resolve(str(folder))


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "no JSON"), ("[]", "holds list"), ("{}", "names no 'architecture'")],
)
def test_a_damaged_configuration_is_named(hub_folder: Save, text: str, words: str) -> None:
    folder = hub_folder()
    (folder / "config.json").write_text(text)
    with pytest.raises(EncoderError, match=words):
        resolve(str(folder))


@pytest.mark.parametrize("identifier", ["default", *shipped()])
def test_what_ships_is_ready(identifier: str) -> None:
    found = resolve(identifier)
    assert found.kind == "skerry"
    assert found.sha256 == load(identifier).sha256


@pytest.mark.parametrize("identifier", [f"timm:{TINY}", TINY])
def test_a_name_of_timm_is_untrained(identifier: str, no_network: None) -> None:
    found = resolve(identifier)
    assert found.untrained
    assert (found.files, found.sha256) == ((), "")
    assert "untrained" in found.record


def test_a_misspelled_name_is_corrected() -> None:
    with pytest.raises(EncoderError, match="did you mean 'efficientnet_b0'"):
        resolve("eficientnet_b0")


def test_a_training_is_to_be_exported_first(tmp_path: Path) -> None:
    (tmp_path / "checkpoint.pt").write_bytes(b"x")
    with pytest.raises(EncoderError, match=re.escape(f"skerry export {tmp_path} -o FOLDER")):
        resolve(str(tmp_path))


def test_a_file_that_is_none_of_these_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(json.dumps({}))
    with pytest.raises(EncoderError, match=r"a\.txt is no encoder"):
        resolve(str(tmp_path / "a.txt"))


def test_without_the_extra_the_error_says_what_to_install(
    hub_folder: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(EncoderError, match=r"pip install 'skerry\[train\]'"):
        resolve("timm:anything")
