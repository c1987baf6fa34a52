from __future__ import annotations

from dataclasses import replace

import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from skerry.errors import ConfigError  # noqa: E402
from skerry.represent.network import VoteNetwork, network_of  # noqa: E402
from tests.represent.training.tiny import RECIPE, SCHEMA  # noqa: E402


@pytest.mark.parametrize(
    ("architecture", "width"),
    [("test_efficientnet", 256), ("test_mambaout", 256), ("lcnet_035", 1280)],
)
def test_the_bottleneck_is_as_wide_as_what_the_encoder_gives(architecture: str, width: int) -> None:
    network = network_of(replace(RECIPE, architecture=architecture), SCHEMA).eval()
    assert network.bottleneck.in_features == width
    assert network(torch.zeros(1, 3, 32, 32))[0].shape == (1, RECIPE.dimensions)


def test_an_architecture_without_drop_path_is_built_without_one() -> None:
    recipe = replace(RECIPE, architecture="efficientvit_b0", drop_path=0.0)
    assert network_of(recipe, SCHEMA).bottleneck.in_features == 1280
    with pytest.raises(ConfigError, match="set drop_path=0"):
        network_of(replace(recipe, drop_path=0.1), SCHEMA)


@pytest.mark.parametrize("key", ["checkpoint_path", "pretrained", "pretrained_cfg", "cache_dir"])
def test_weights_from_elsewhere_are_not_loaded(key: str) -> None:
    with pytest.raises(ConfigError, match=f"may not set {key}"):
        VoteNetwork("test_efficientnet", SCHEMA, options={key: "elsewhere"})


@pytest.mark.parametrize("name", ["local-dir:here", "hf-hub:someone/something"])
def test_only_architectures_that_timm_names_are_built(name: str) -> None:
    with pytest.raises(ConfigError, match="timm has no architecture"):
        network_of(replace(RECIPE, architecture=name), SCHEMA)
