from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from skerry.errors import EncoderError  # noqa: E402
from skerry.represent.encoder import Encoder, load  # noqa: E402
from skerry.represent.foreign import (  # noqa: E402
    contract_of,
    import_encoder,
    network_from_folder,
    resolve,
)
from skerry.represent.foreign.network import build  # noqa: E402
from tests.represent.foreign.conftest import TINY, Save, state_of  # noqa: E402

NAMES = {"encoder.onnx", "encoder.safetensors", "config.json"}


def imported(
    identifier: object, output: Path, images: np.ndarray | None = None, dimensions: int = 8
) -> Encoder:
    source = resolve(str(identifier))
    pixels = None if images is None else [images[:50], images[50:]]
    import_encoder(
        source, output, contract=contract_of(source), pixels=pixels,
        dimensions=dimensions if images is not None else 0,
    )  # fmt: skip
    return load(str(output))


def timms_vectors(images: np.ndarray, *, twice: bool = False) -> np.ndarray:
    """Unit vectors as timm alone gives them, from its own transform for evaluation."""
    import timm
    from PIL import Image
    from timm.data import create_transform, resolve_data_config

    network = timm.create_model(TINY, num_classes=7).eval()
    network.load_state_dict(state_of())
    network.reset_classifier(0)
    config = {"input_size": (3, 32, 32), "mean": (0.3, 0.4, 0.5), "std": (0.1, 0.2, 0.4)}
    settings = resolve_data_config({}, pretrained_cfg=config) | {"crop_pct": 1.0}
    transform = create_transform(**settings, is_training=False)
    batch = torch.stack([transform(Image.fromarray(image)) for image in images])
    if twice:
        batch = transform.transforms[-1](batch)
    with torch.no_grad():
        return torch.nn.functional.normalize(network(batch), dim=1).numpy()


def test_vectors_are_those_of_timms_own_transform_normalized_once(
    hub_folder: Save, tmp_path: Path, images: np.ndarray
) -> None:
    encoder = imported(hub_folder(), tmp_path / "out")
    found = encoder.encode(images[:8])[0]
    assert encoder.dimensions == 256
    expected = timms_vectors(images[:8])
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found, expected, atol=0.01 * scale)
    twice = timms_vectors(images[:8], twice=True)
    assert np.abs(found - twice).max() > 0.2 * scale


def test_a_bottleneck_is_fitted_and_travels_with_the_encoder(
    hub_folder: Save, tmp_path: Path, images: np.ndarray
) -> None:
    folder = hub_folder()
    encoder = imported(folder, tmp_path / "out", images)
    assert {p.name for p in (tmp_path / "out").iterdir()} == NAMES
    vectors, votes = encoder.encode(images[:32])
    assert vectors.shape == (32, 8)
    assert votes.shape == (32, 0)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)

    network, _ = build(resolve(str(folder)))
    network.raw = True
    with torch.no_grad():
        features = network(torch.from_numpy(images).permute(0, 3, 1, 2) / 255)[0].double().numpy()
    centered = features - features.mean(0)
    components = np.linalg.svd(centered, full_matrices=False)[2][:8]
    expected = (centered @ components.T)[:32]
    expected /= np.linalg.norm(expected, axis=1)[:, None]
    signs = np.sign((expected * vectors).sum(0))
    np.testing.assert_allclose(vectors, expected * signs, atol=0.03)


def test_the_folder_says_what_it_was_made_from(
    hub_folder: Save, tmp_path: Path, images: np.ndarray
) -> None:
    folder = hub_folder()
    encoder = imported(folder, tmp_path / "out", images)
    text = (tmp_path / "out" / "config.json").read_text()
    stored = json.loads(text)
    assert stored["identifier"] == encoder.source == "theirs"
    assert stored["sha256"] == resolve(str(folder)).sha256
    assert stored["architecture"] == encoder.architecture == TINY
    assert stored["contract"] == encoder.contract.to_dict()
    assert stored["bottleneck"]["images"] == 80
    assert 0.5 < stored["bottleneck"]["explained"] <= 1
    assert stored["normalization"]["mean"] == pytest.approx([0.3, 0.4, 0.5])
    assert not stored["untrained"]
    assert set(stored["versions"]) == {"skerry", "timm", "torch"}
    assert str(tmp_path) not in text
    weights = (tmp_path / "out" / "encoder.onnx").stat().st_size
    assert weights < 0.7 * (tmp_path / "out" / "encoder.safetensors").stat().st_size


def test_the_order_of_cutouts_and_the_place_change_no_byte(
    hub_folder: Save, tmp_path: Path, images: np.ndarray
) -> None:
    imported(hub_folder(), tmp_path / "a", images)
    imported(hub_folder("moved/theirs"), tmp_path / "b", images[::-1])
    for name in NAMES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_gray_encoder_is_given_color_and_averages_it(
    hub_folder: Save, tmp_path: Path, images: np.ndarray
) -> None:
    encoder = imported(hub_folder(bands=1), tmp_path / "out")
    assert encoder.contract.bands == ("gray",)
    level = images[:8].mean(3, keepdims=True).astype(np.uint8)
    rotated = np.roll(images[:8], 1, 3)
    found = encoder.encode(images[:8])[0]
    np.testing.assert_allclose(found, encoder.encode(rotated)[0], atol=1e-5)
    np.testing.assert_allclose(found, encoder.encode(level.repeat(3, 3))[0], atol=0.02)


def test_random_weights_are_recorded(tmp_path: Path) -> None:
    source = resolve(f"timm:{TINY}")
    contract = contract_of(source, size=32)
    for seed, name in ((0, "a"), (0, "b"), (1, "c")):
        import_encoder(
            source, tmp_path / name, contract=contract, pixels=None, dimensions=0, seed=seed
        )
    a, b, c = ((tmp_path / n / "encoder.onnx").read_bytes() for n in "abc")
    assert a == b
    assert a != c
    stored = json.loads((tmp_path / "a" / "config.json").read_text())
    assert stored["untrained"]
    assert "random" in stored["notes"][0]
    assert load(str(tmp_path / "a")).source == f"timm:{TINY} (untrained)"


def test_an_imported_encoder_is_found_again_and_is_not_imported_twice(
    hub_folder: Save, tmp_path: Path
) -> None:
    encoder = imported(hub_folder(), tmp_path / "out")
    found = resolve(str(tmp_path / "out"))
    assert (found.kind, found.sha256, found.architecture) == ("skerry", encoder.sha256, TINY)
    with pytest.raises(EncoderError, match="skerry's own file already"):
        imported(tmp_path / "out", tmp_path / "again")
    with pytest.raises(EncoderError, match="has no vote heads"):
        network_from_folder(tmp_path / "out")


def test_what_does_not_fit_is_refused_and_nothing_is_written(
    hub_folder: Save, tmp_path: Path, images: np.ndarray
) -> None:
    source = resolve(str(hub_folder()))
    contract = contract_of(source)
    out = tmp_path / "out"
    with pytest.raises(EncoderError, match="takes 3 bands and the contract names gray"):
        import_encoder(
            source, out, contract=replace(contract, bands=("gray",)), pixels=None, dimensions=0
        )
    with pytest.raises(EncoderError, match="give cutouts and dimensions, or neither"):
        import_encoder(source, out, contract=contract, pixels=None)
    with pytest.raises(EncoderError, match="too few"):
        import_encoder(source, out, contract=contract, pixels=[images[:10]], dimensions=8)
    with pytest.raises(EncoderError, match="expects uint8"):
        import_encoder(source, out, contract=contract, pixels=[images[:, 1:]], dimensions=8)
    assert not out.exists()


def test_an_encoder_is_not_written_over_its_own_source(hub_folder: Save, tmp_path: Path) -> None:
    folder = hub_folder()
    before = (folder / "config.json").read_bytes()
    for output in (folder, folder / ".." / folder.name):
        with pytest.raises(
            EncoderError, match=r"theirs to .*theirs would overwrite .*config\.json"
        ):
            imported(folder, output)
    assert (folder / "config.json").read_bytes() == before
    assert not (folder / "encoder.onnx").exists()


def test_an_output_that_is_a_file_is_refused(hub_folder: Save, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(EncoderError, match="out is a file; expected a folder"):
        imported(hub_folder(), tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"
