from __future__ import annotations

import sys

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from skerry.errors import EncoderError
from skerry.represent.encoder import Encoder
from skerry.represent.score import controls
from skerry.represent.score.controls import PixelComponents, untrained
from skerry.types import Contract


def test_as_many_components_as_images_keep_all_distances() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 6, 6, 3), dtype=np.uint8)
    found = PixelComponents.fit(pixels, 0).apply(pixels)
    assert found.shape == (20, 19)
    np.testing.assert_allclose(pdist(found), pdist(pixels.reshape(20, -1) / 255.0), rtol=1e-4)
    assert (np.diff(found.var(0)) <= 1e-6).all()


def test_components_are_found_from_a_sample_of_many(monkeypatch) -> None:
    monkeypatch.setattr(controls, "FITTED", 30)
    pixels = np.random.default_rng(0).integers(0, 256, (50, 4, 4, 3), dtype=np.uint8)
    pixels[:, 0] = 7  # never varies
    found = PixelComponents.fit(pixels, 0)
    assert found.apply(pixels).shape == (50, 29)
    assert np.abs(found.directions.reshape(4, 4, 3, -1)[0]).max() < 1e-6
    assert not np.array_equal(found.mean, PixelComponents.fit(pixels, 1).mean)


@pytest.mark.train
def test_the_untrained_network_has_the_encoders_shape_and_its_seeds_weights() -> None:
    torch = pytest.importorskip("torch")
    shape = Encoder(
        "e", "", Contract(32, {}, "all"), 4, 12, (), None,
        architecture="test_efficientnet", structure_dimensions=4,
    )  # fmt: skip
    pixels = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    before = torch.random.get_rng_state()
    first = untrained(shape, 0).encode(pixels)[0]
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.rand(1)
    np.testing.assert_array_equal(untrained(shape, 0).encode(pixels)[0], first)
    assert first.shape == (3, 12)
    # the part on structure keeps its fixed share of the length
    assert np.allclose((first[:, :4] ** 2).sum(1), 0.65, atol=0.01)


def test_without_torch_the_control_says_what_to_do(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    shape = Encoder("e", "", Contract(32, {}, "all"), 4, 12, (), None)
    with pytest.raises(EncoderError, match=r"pip install 'skerry\[train\]', or score without"):
        untrained(shape, 0)


@pytest.mark.train
@pytest.mark.parametrize(
    ("architecture", "options", "words"),
    [
        ("hf_hub:owner/name", {}, "encoder e is a network 'hf_hub:owner/name', which this timm"),
        ("local-dir:/tmp/x", {}, "does not have"),
        ("test_efficientnet", {"checkpoint_path": "x.pth"}, "options of encoder e are"),
        ("test_efficientnet", {"pretrained": True}, "expected a table without pretrained"),
        ("test_efficientnet", {"no_such": 1}, "network of encoder e cannot be built"),
        ("test_efficientnet", {"in_chans": 5}, "cannot be built"),
        ("test_efficientnet", {"global_pool": ""}, "as a control cannot be run"),
    ],
)
def test_what_an_encoders_file_says_of_its_network_is_not_trusted(
    architecture: str, options: dict[str, object], words: str
) -> None:
    pytest.importorskip("torch")
    shape = Encoder(
        "e", "", Contract(32, {}, "all"), 4, 12, (), None,
        architecture=architecture, options=options,
    )  # fmt: skip
    with pytest.raises(EncoderError, match=words):
        untrained(shape, 0)
