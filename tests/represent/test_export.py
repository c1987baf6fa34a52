from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from skerry.errors import EncoderError  # noqa: E402
from skerry.represent import export  # noqa: E402
from skerry.represent.encoder import load  # noqa: E402
from skerry.represent.export import export_folder, export_onnx  # noqa: E402
from skerry.represent.foreign import network_from_folder  # noqa: E402
from skerry.represent.network import VoteNetwork  # noqa: E402
from skerry.represent.trees.schema import Question, Schema  # noqa: E402
from skerry.types import Contract  # noqa: E402

SCHEMA = Schema(
    "s",
    (Question("bright", ("yes", "no")), Question("red", ("a", "b"), (("bright", "yes"),))),
    survey="a drawn one",
)
CONTRACT = Contract(32, {64: 0.5}, "a disk")


def tiny(**options: object) -> VoteNetwork:
    torch.manual_seed(0)
    network = VoteNetwork("test_efficientnet", SCHEMA, dimensions=16, **options)
    # one step of statistics, so that batch normalization is not the identity
    network.train()(torch.rand(8, 3, 32, 32))
    return network.eval()


def pixels(n: int = 8) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)


def vectors_of(network: VoteNetwork, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    with torch.no_grad():
        found, alpha = network.eval()(torch.from_numpy(images).permute(0, 3, 1, 2) / 255)
    return found.numpy(), alpha.numpy()


@pytest.mark.parametrize(("structure", "bands"), [(0, 3), (6, 3), (0, 1)])
def test_a_folder_is_run_and_trained_further(tmp_path: Path, structure: int, bands: int) -> None:
    network = tiny(structure_dimensions=structure, structure_share=0.4, bands=bands)
    exact, shipped = export_folder(network, SCHEMA, CONTRACT, tmp_path / "mine")
    assert exact < 1e-4 <= 1e-2
    assert exact < shipped < 1e-2

    encoder = load(str(tmp_path / "mine"))
    assert encoder.name == "mine"
    assert encoder.contract == CONTRACT
    assert encoder.vote_columns == SCHEMA.columns
    assert encoder.architecture == "test_efficientnet"
    assert encoder.structure_dimensions == structure
    assert encoder.source == ""
    vectors, alpha = vectors_of(network, pixels())
    found, votes = encoder.encode(pixels())
    np.testing.assert_allclose(found, vectors, atol=0.01 * np.abs(vectors).max())
    shares = np.concatenate([a / a.sum(1, keepdims=True) for a in np.split(alpha, 2, 1)], 1)
    np.testing.assert_allclose(votes, shares, atol=0.01)

    again = network_from_folder(tmp_path / "mine")
    assert again.state_dict().keys() == network.state_dict().keys()
    np.testing.assert_array_equal(vectors_of(again, pixels())[0], vectors)
    before = again.heads.weight.clone()
    again.train()(torch.rand(4, 3, 32, 32))[1].sum().backward()
    torch.optim.SGD(again.parameters(), 0.1).step()
    assert not torch.equal(again.heads.weight, before)


def test_the_schema_comes_back_whole(tmp_path: Path) -> None:
    export_folder(tiny(), SCHEMA, CONTRACT, tmp_path)
    stored = json.loads((tmp_path / "config.json").read_text())
    assert stored["schema"]["questions"][1]["asked_if"] == [["bright", "yes"]]
    assert stored["schema"]["survey"] == "a drawn one"
    assert stored["contract"] == CONTRACT.to_dict()


def test_options_of_timm_come_back(tmp_path: Path) -> None:
    options = {"global_pool": "max"}
    export_folder(tiny(options=options), SCHEMA, CONTRACT, tmp_path)
    assert load(str(tmp_path)).options == options
    assert network_from_folder(tmp_path).options == options


def test_the_same_network_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        export_folder(tiny(), SCHEMA, CONTRACT, tmp_path / name)
    for path in sorted((tmp_path / "a").iterdir()):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_an_export_that_gives_other_vectors_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoil(model: export.onnx.ModelProto) -> None:
        for weight in model.graph.initializer:
            if len(weight.dims) > 1:
                weight.CopyFrom(
                    export.numpy_helper.from_array(
                        export.numpy_helper.to_array(weight) * 0, weight.name
                    )
                )

    monkeypatch.setattr(export, "halve_weights", spoil)
    with pytest.raises(EncoderError, match="exported vectors differ"):
        export_onnx(tiny(), SCHEMA, CONTRACT, tmp_path / "e.onnx")
    assert not (tmp_path / "e.onnx").exists()


@pytest.mark.parametrize("lost", ["config.json", "encoder.safetensors"])
def test_a_folder_that_lacks_a_file_is_refused(tmp_path: Path, lost: str) -> None:
    export_folder(tiny(), SCHEMA, CONTRACT, tmp_path)
    (tmp_path / lost).write_bytes(b"nonsense")
    with pytest.raises(EncoderError, match="holds no trained encoder"):
        network_from_folder(tmp_path)
    (tmp_path / lost).unlink()
    with pytest.raises(EncoderError, match="holds no trained encoder"):
        network_from_folder(tmp_path)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    export_folder(tiny(), SCHEMA, CONTRACT, tmp_path)
    config = tmp_path / "config.json"
    config.write_text(config.read_text().replace('"dimensions": 16', '"dimensions": 12'))
    with pytest.raises(EncoderError, match="is of another network"):
        network_from_folder(tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"architecture": "hf_hub:owner/name"}, "which this timm .* does not have"),
        ({"options": {"checkpoint_path": "x.pth"}}, "expected a table without"),
        ({"options": [1]}, "expected a table without"),
        ({"no_such": 1}, "cannot be built"),
    ],
)
def test_the_configuration_of_a_folder_is_not_trusted(
    tmp_path: Path, change: dict[str, object], words: str
) -> None:
    export_folder(tiny(), SCHEMA, CONTRACT, tmp_path)
    config = tmp_path / "config.json"
    stored = json.loads(config.read_text())
    stored["network"] |= change
    config.write_text(json.dumps(stored))
    with pytest.raises(EncoderError, match=words):
        network_from_folder(tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [("[]", "has no vote heads"), ('{"schema": [], "network": {}}', "describes no tree")],
)
def test_a_folder_with_another_configuration_is_refused(
    tmp_path: Path, text: str, words: str
) -> None:
    export_folder(tiny(), SCHEMA, CONTRACT, tmp_path)
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(EncoderError, match=words):
        network_from_folder(tmp_path)


def test_a_network_that_onnx_cannot_hold_is_refused(tmp_path: Path) -> None:
    class Regions(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, None]:
            return torch.nn.functional.adaptive_avg_pool2d(images, 7).flatten(1), None

    about = export.About("mine")
    with pytest.raises(EncoderError, match="no form in ONNX with images of 32 px"):
        export.write_onnx(Regions(), None, CONTRACT, about, tmp_path / "e.onnx")
    assert not (tmp_path / "e.onnx").exists()
