from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from skerry.errors import EncoderError
from skerry.represent.encoder import DEFAULT, Encoder, file_of, from_bytes, load, shipped


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load()


def pixels(encoder: Encoder, n: int) -> np.ndarray:
    size = encoder.contract.size
    return np.random.default_rng(0).integers(0, 256, (n, size, size, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", ["efficientnet_b0", "maxvit_pico"])
def test_encoders_ship_with_their_contract(name: str) -> None:
    assert name in shipped()
    assert file_of(name).stat().st_size < 1e7
    encoder = load(name)
    assert (encoder.dimensions, len(encoder.vote_columns), len(encoder.sha256)) == (128, 28, 64)
    assert not any("odd" in column for column in encoder.vote_columns)
    assert encoder.architecture.startswith(name.split("_")[0])
    contract = encoder.contract
    assert (contract.size, contract.bands, contract.stretch) == (64, ("i", "r", "g"), "lupton")
    assert contract.crop_of(424) == pytest.approx(192 / 424)
    assert contract.crop_of(79) is None


def test_a_vector_depends_on_its_image_alone(encoder: Encoder) -> None:
    images = pixels(encoder, encoder.batch)
    together = encoder.encode(images)[0]
    np.testing.assert_array_equal(encoder.encode(images[::-1])[0][::-1], together)
    alone = np.concatenate([encoder.encode(images[i : i + 1])[0] for i in range(5)])
    np.testing.assert_array_equal(alone, together[:5])


def test_expected_shares_of_a_question_sum_to_one(encoder: Encoder) -> None:
    votes = encoder.encode(pixels(encoder, 2))[1]
    columns = [i for i, c in enumerate(encoder.vote_columns) if c.startswith("bar-gz2")]
    np.testing.assert_allclose(votes[:, columns].sum(1), 1, rtol=1e-5)
    assert (votes > 0).all()


@pytest.mark.parametrize("change", ["float", "size", "too many"])
def test_images_that_break_the_contract_are_refused(encoder: Encoder, change: str) -> None:
    images = pixels(encoder, encoder.batch)
    if change == "float":
        images = images / 255
    elif change == "size":
        images = images[:, :-1]
    else:
        images = np.concatenate([images, images])
    with pytest.raises(EncoderError, match="expects uint8"):
        encoder.encode(images)


class Flawed:
    """A session whose values are no numbers for images that are brighter than ``limit``."""

    def __init__(self, limit: float, votes: bool = False) -> None:
        self.limit, self.votes = limit, votes

    def run(self, names: object, given: dict[str, np.ndarray]) -> list[np.ndarray]:
        bad = given["pixels"].mean((1, 2, 3)) > self.limit
        good = np.ones((len(bad), 2), np.float32)
        spoiled = np.where(bad[:, None], np.float32(np.nan), good)
        return [good, spoiled] if self.votes else [spoiled, good]


@pytest.mark.parametrize("votes", [False, True])
@pytest.mark.parametrize("n", [1, 32])
def test_a_network_of_no_numbers_is_to_blame_and_not_its_images(
    encoder: Encoder, n: int, votes: bool
) -> None:
    images = np.full((n, 64, 64, 3), 250, np.uint8)
    with pytest.raises(EncoderError, match="encoder efficientnet_b0 gives values that are NaN"):
        replace(encoder, session=Flawed(-1, votes)).encode(images)
    found = replace(encoder, session=Flawed(200, votes)).encode(images)
    assert np.isnan(found[votes]).all()
    assert replace(encoder, session=Flawed(-1)).encode(images[:0])[0].shape == (0, 2)


def test_files_that_are_no_encoder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="no encoder"):
        load(str(tmp_path / "none.onnx"))
    (tmp_path / "bad.onnx").write_bytes(b"not onnx")
    with pytest.raises(EncoderError, match="cannot be loaded"):
        load(str(tmp_path / "bad.onnx"))


def test_a_shipped_encoder_is_loaded_by_its_name(encoder: Encoder) -> None:
    assert DEFAULT in shipped()
    found = load(DEFAULT)
    assert (found.name, found.sha256) == (encoder.name, encoder.sha256)


def test_an_encoder_from_elsewhere_is_to_be_imported_first() -> None:
    with pytest.raises(EncoderError, match=r"skerry encoders import hf_hub:owner/name -o FOLDER"):
        load("hf_hub:owner/name")


@dataclass
class Value:
    """An input or output of a graph."""

    name: str
    type: str
    shape: list[object]


PIXELS = Value("pixels", "tensor(uint8)", [32, 8, 8, 3])
VECTORS = Value("representation", "tensor(float)", [32, 128])
VOTES = Value("votes", "tensor(float)", [32, 0])


@dataclass
class Session:
    """What ONNX Runtime tells of a file with some metadata."""

    stored: object
    inputs: list[Value] = field(default_factory=lambda: [PIXELS])
    outputs: list[Value] = field(default_factory=lambda: [VECTORS, VOTES])

    @property
    def custom_metadata_map(self) -> dict[str, str]:
        return {"skerry": json.dumps(self.stored)}

    def get_modelmeta(self) -> Session:
        return self

    def get_inputs(self) -> list[Value]:
        return self.inputs

    def get_outputs(self) -> list[Value]:
        return self.outputs


EQUALIZED = {"power": 0, "floor": 0.001, "images": 9}


@pytest.mark.parametrize("says", [False, True])
def test_a_file_may_say_what_network_it_was_made_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, says: bool
) -> None:
    stored: dict[str, object] = {"size": 8, "crops": {}, "field": "f", "vote_columns": []}
    if says:
        stored |= {
            "architecture": "a", "options": {"x": 1}, "structure_dimensions": 4, "source": "s",
            "equalized": EQUALIZED,
        }  # fmt: skip
    monkeypatch.setattr(onnxruntime, "InferenceSession", lambda *_: Session(stored))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "encoder.onnx").write_bytes(b"x")
    monkeypatch.chdir(tmp_path / "mine")
    found = load(".")
    assert found.name == "mine"
    expected = ("a", {"x": 1}, 4, "s", EQUALIZED) if says else ("", {}, 0, "", {})
    told = (
        found.architecture, found.options, found.structure_dimensions, found.source,
        found.equalized,
    )  # fmt: skip
    assert told == expected


SOUND: dict[str, object] = {"size": 8, "crops": {"16": 0.5}, "field": "f", "vote_columns": []}


def of_metadata(monkeypatch: pytest.MonkeyPatch, stored: object, **graph: list[Value]) -> Encoder:
    monkeypatch.setattr(onnxruntime, "InferenceSession", lambda *_: Session(stored, **graph))
    return from_bytes(b"x", "odd")


def test_metadata_of_a_later_version_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    found = of_metadata(monkeypatch, SOUND | {"pixel_scale": None, "later": [1]})
    assert found.contract.crops == {16: 0.5}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("size", None), ("size", 0), ("size", True), ("size", "8"),
        ("crops", None), ("crops", [0.5]), ("crops", {"wide": 0.5}), ("crops", {"16": 0}),
        ("crops", {"16": 1.5}), ("crops", {"16": "half"}),
        ("field", None),
        ("bands", None), ("bands", "zrg"), ("bands", ["z", "r"]), ("bands", list("ugriz")),
        ("bands", [1, 2, 3]),
        ("pixel_scale", "0.26"), ("pixel_scale", 0), ("pixel_scale", float("inf")),
        ("stretch", 1),
        ("vote_columns", None), ("vote_columns", "a"), ("vote_columns", [1]),
        ("architecture", None), ("options", [1]), ("structure_dimensions", -1), ("source", 1),
        ("equalized", None), ("equalized", {}), ("equalized", EQUALIZED | {"power": 2}),
        ("equalized", EQUALIZED | {"power": "1"}), ("equalized", EQUALIZED | {"floor": 0}),
        ("equalized", EQUALIZED | {"images": 0}),
    ],
)  # fmt: skip
def test_metadata_that_makes_no_sense_is_refused(
    monkeypatch: pytest.MonkeyPatch, key: str, value: object
) -> None:
    with pytest.raises(EncoderError, match=f"encoder odd says {key} is"):
        of_metadata(monkeypatch, SOUND | {key: value})


@pytest.mark.parametrize("key", ["size", "crops", "field", "vote_columns"])
def test_metadata_that_lacks_a_term_is_refused(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    with pytest.raises(EncoderError, match=f"says {key} is None; expected"):
        of_metadata(monkeypatch, {k: v for k, v in SOUND.items() if k != key})


@pytest.mark.parametrize("stored", [[], 5, None])
def test_metadata_that_is_no_table_is_refused(
    monkeypatch: pytest.MonkeyPatch, stored: object
) -> None:
    with pytest.raises(EncoderError, match="as its contract; export it with skerry"):
        of_metadata(monkeypatch, stored)


def test_a_graph_is_read_by_names_and_not_by_place(monkeypatch: pytest.MonkeyPatch) -> None:
    found = of_metadata(monkeypatch, SOUND, outputs=[VOTES, VECTORS])
    assert (found.batch, found.dimensions) == (32, 128)


def pixels_of(*shape: object, type: str = "tensor(uint8)") -> dict[str, list[Value]]:
    return {"inputs": [Value("pixels", type, list(shape))]}


GRAPHS = {
    "a batch of any size": pixels_of("n", 8, 8, 3),
    "a batch of none": pixels_of(0, 8, 8, 3),
    "another size": pixels_of(32, 16, 16, 3),
    "channels first": pixels_of(32, 3, 8, 8),
    "one image": pixels_of(8, 8, 3),
    "pixels that are no bytes": pixels_of(32, 8, 8, 3, type="tensor(float)"),
    "another input": {"inputs": [Value("image", PIXELS.type, PIXELS.shape)]},
    "two inputs": {"inputs": [PIXELS, Value("scale", "tensor(float)", [32])]},
    "no vectors": {"outputs": [VOTES]},
    "flat vectors": {"outputs": [Value("representation", VECTORS.type, [32]), VOTES]},
    "vectors of another batch": {
        "outputs": [Value("representation", VECTORS.type, [8, 128]), VOTES]
    },
    "no votes": {"outputs": [VECTORS]},
    "votes that have no names": {"outputs": [VECTORS, Value("votes", VOTES.type, [32, 28])]},
}


@pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS)
def test_a_graph_that_its_metadata_does_not_tell_is_refused(
    monkeypatch: pytest.MonkeyPatch, graph: dict[str, list[Value]]
) -> None:
    with pytest.raises(EncoderError, match=r"encoder odd (takes|gives) .*; expected "):
        of_metadata(monkeypatch, SOUND, **graph)


def test_a_graph_that_is_refused_is_told_with_what_was_expected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = (
        "encoder odd takes pixels tensor(uint8) ['n', 8, 8, 3]; expected pixels tensor(uint8) "
        "[any, 8, 8, 3]: export it"
    )
    with pytest.raises(EncoderError, match=re.escape(told)):
        of_metadata(monkeypatch, SOUND, **GRAPHS["a batch of any size"])


def test_a_checkpoint_is_to_be_imported_first(tmp_path: Path) -> None:
    path = tmp_path / "a b.ckpt"
    path.write_bytes(b"x")
    with pytest.raises(EncoderError, match=re.escape(f"encoders import '{path}' -o FOLDER")):
        load(str(path))


@pytest.mark.parametrize("name", ["", "checkpoint.pt"])
def test_a_training_is_to_be_exported_first(tmp_path: Path, name: str) -> None:
    work = tmp_path / "a b"
    work.mkdir()
    (work / "checkpoint.pt").write_bytes(b"x")
    with pytest.raises(EncoderError, match=re.escape(f"skerry export '{work}' -o FOLDER")):
        load(str(work / name))
