from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from skerry.errors import ConfigError, DiskError, EncoderError  # noqa: E402
from skerry.represent.network import network_of  # noqa: E402
from skerry.represent.training import checkpoint  # noqa: E402
from skerry.represent.training.checkpoint import (  # noqa: E402
    join_checkpoint,
    load,
    part_size,
    read_trained,
    save,
    split_checkpoint,
)
from skerry.represent.trees.schema import GZ2_TRAINED  # noqa: E402
from tests.represent.training.tiny import RECIPE, SCHEMA  # noqa: E402


def payload(step: int = 3) -> dict[str, object]:
    torch.manual_seed(step)
    return {"step": step, "average": network_of(RECIPE, SCHEMA).state_dict()}


def test_a_checkpoint_says_by_which_recipe_and_of_which_tree_it_is(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    save(path, payload(), RECIPE, SCHEMA)
    for place in (path, tmp_path):
        found = read_trained(place)
        assert (found.recipe, found.schema, found.step) == (RECIPE, SCHEMA, 3)
        assert torch.equal(found.network().heads.weight, payload()["average"]["heads.weight"])  # type: ignore[index]


def test_a_checkpoint_without_a_tree_is_of_the_recipes(tmp_path: Path) -> None:
    known = {"architecture": "test_efficientnet", "dimensions": 8, "steps": 5}
    torch.save({"recipe": known, "step": 2, "average": {}}, tmp_path / "old.pt")
    assert read_trained(tmp_path / "old.pt").schema == GZ2_TRAINED
    torch.save({"recipe": {"stepsize": 2}, "step": 2, "average": {}}, tmp_path / "new.pt")
    with pytest.raises(EncoderError, match=r"'stepsize'.*another version"):
        read_trained(tmp_path / "new.pt")


def test_the_best_is_taken_only_where_the_recipe_stops_early(tmp_path: Path) -> None:
    for recipe, step in ((replace(RECIPE, patience=2), 1), (RECIPE, 3)):
        save(tmp_path / "best.pt", payload(1), recipe, SCHEMA)
        save(tmp_path / "checkpoint.pt", payload(3), recipe, SCHEMA)
        assert read_trained(tmp_path).step == step


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "a.pt", payload(), replace(RECIPE, dimensions=8), SCHEMA)
    with pytest.raises(EncoderError, match="another network"):
        read_trained(tmp_path / "a.pt").network()


class Opens:
    """What a hostile checkpoint holds: reading it would create a file."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return open, (self.path, "w")


def test_what_is_no_checkpoint_is_said_and_runs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(EncoderError, match="cannot be read as a checkpoint"):
        load(path)
    torch.save({"model": {}}, path)
    with pytest.raises(EncoderError, match="no checkpoint of"):
        load(path)
    path.write_bytes(pickle.dumps(Opens(str(tmp_path / "made")), protocol=2))
    with pytest.raises(EncoderError, match="cannot be read as a checkpoint"):
        load(path)
    assert not (tmp_path / "made").exists()
    with pytest.raises(EncoderError, match="cannot be read"):
        load(tmp_path / "none.pt")
    (tmp_path / "empty").mkdir()
    with pytest.raises(EncoderError, match="0 lists of parts"):
        load(tmp_path / "empty")


@pytest.mark.parametrize(
    "wrong",
    [
        {"recipe": 3},
        {"step": "3"},
        {"step": -1},
        {"average": [1.0]},
        {"average": {"heads.bias": 1.0}},
        {"schema": 7},
        {"schema": {"name": "t"}},
        {"schema": {"name": "t", "questions": [{"title": "q"}]}},
        {"recipe": {3: 4}},
        {"recipe": {"schema": "gone.toml"}, "schema": None},
        {"recipe": {"options": {"checkpoint_path": "elsewhere.pt"}}},
    ],
)
def test_a_checkpoint_of_wrong_content_is_refused(wrong: dict[str, Any], tmp_path: Path) -> None:
    save(tmp_path / "a.pt", payload(), RECIPE, SCHEMA)
    content = torch.load(tmp_path / "a.pt", weights_only=True) | wrong
    torch.save({k: v for k, v in content.items() if v is not None}, tmp_path / "a.pt")
    with pytest.raises(EncoderError):
        read_trained(tmp_path / "a.pt")


@pytest.mark.parametrize(
    "data", [b"\x80\x02}(]q\x00K\x01u.", b"\x80\x02K\x01K\x02a.", b"\x80\x02h\x05."]
)
def test_a_malformed_pickle_is_no_checkpoint(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(data)
    with pytest.raises(EncoderError, match="cannot be read as a checkpoint"):
        load(tmp_path / "a.pt")


def test_a_checkpoint_that_cannot_be_written_leaves_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "checkpoint.pt"
    save(path, payload(3), RECIPE, SCHEMA)

    def full(stored: object, partial: Path) -> None:
        partial.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint.torch, "save", full)
    with pytest.raises(DiskError):
        save(path, payload(4), RECIPE, SCHEMA)
    assert read_trained(path).step == 3
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.pt"]


@given(size=st.integers(1, 40), data=st.binary(max_size=100))
def test_parts_join_to_the_same_bytes(
    size: int, data: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("parts")
    (folder / "a.pt").write_bytes(data)
    split_checkpoint(folder / "a.pt", folder / "p", size)
    parts = sorted((folder / "p").glob("a.pt.part-*"))
    assert len(parts) == -(-len(data) // size)
    assert all(p.stat().st_size <= size for p in parts)
    assert join_checkpoint(folder / "p", folder / "b.pt").read_bytes() == data


def test_a_training_is_read_from_its_parts_and_wrong_parts_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "a.pt", payload(), RECIPE, SCHEMA)
    size = (tmp_path / "a.pt").stat().st_size // 3 + 1
    parts = tmp_path / "p"
    split_checkpoint(tmp_path / "a.pt", parts, size // 2)
    split_checkpoint(tmp_path / "a.pt", parts, size)  # the parts of the first are gone
    assert len(list(parts.glob("a.pt.part-*"))) == 3
    assert read_trained(parts).step == 3

    part = parts / "a.pt.part-001"
    whole = part.read_bytes()
    part.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(EncoderError, match=r"part-001 is not what"):
        join_checkpoint(parts, tmp_path / "b.pt")
    part.unlink()
    with pytest.raises(EncoderError, match=r"part-001 is missing: bring all 3"):
        join_checkpoint(parts, tmp_path / "b.pt")
    part.write_bytes(whole)
    said = json.loads((parts / "a.pt.parts.json").read_text())
    said["parts"].reverse()
    (parts / "a.pt.parts.json").write_text(json.dumps(said))
    with pytest.raises(EncoderError, match="do not make the whole"):
        join_checkpoint(parts, tmp_path / "b.pt")
    assert not (tmp_path / "b.pt").exists()


def test_sizes_are_read_in_either_unit() -> None:
    assert [part_size(t) for t in ("15MiB", "20 MB", "300")] == [15 * 2**20, 20_000_000, 300]
    for bad in ("", "many", "15XB", "0", "-3MB"):
        with pytest.raises(ConfigError, match="write it as 15MiB"):
            part_size(bad)
