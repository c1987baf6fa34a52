from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from skerry.errors import EncoderError  # noqa: E402
from skerry.represent.foreign import (  # noqa: E402
    Source,
    contract_of,
    describe,
    resolve,
    unnormalized,
)
from skerry.represent.foreign.network import build  # noqa: E402
from tests.represent.foreign.conftest import SIZE, TINY, Save, config_of  # noqa: E402


def named(architecture: str, config: dict[str, Any] | None = None) -> Source:
    return Source(f"timm:{architecture}", "timm", (), "", architecture, config or {})


@pytest.mark.parametrize(
    ("architecture", "features", "size"),
    [
        ("efficientnet_b0", 1280, 224),
        ("efficientnet", 1280, 224),
        ("maxvit_tiny_rw_224", 512, 224),
        ("maxvit_rmlp_tiny_rw_256", 512, 256),
        ("maxvit_rmlp_tiny_rw_224", 512, 224),
    ],
)
def test_the_networks_of_the_field_are_built(architecture: str, features: int, size: int) -> None:
    source = named(architecture)
    network, notes = build(source)
    assert network.encoder.num_features == features
    assert notes == ["untrained: its weights are random, drawn with seed 0"]
    assert contract_of(source).size == size


def test_a_network_takes_images_of_the_size_its_name_says() -> None:
    network, _ = build(named("maxvit_rmlp_tiny_rw_224"))
    with torch.no_grad():
        assert network(torch.rand(1, 3, 224, 224))[0].shape == (1, 512)


@pytest.mark.parametrize("name", ["test_vit", "test_efficientnet"])
def test_another_size_may_be_asked_for(name: str) -> None:
    source = named(name)
    contract = contract_of(source, size=48)
    assert contract.size == 48
    network, _ = build(source, size=48)
    assert network(torch.rand(2, 3, 48, 48))[0].shape[0] == 2


def test_the_same_seed_draws_the_same_weights_and_disturbs_no_other() -> None:
    state = torch.get_rng_state()
    networks = [build(named(TINY), seed=seed)[0] for seed in (1, 1, 2)]
    first, again, other = (network.encoder.conv_stem.weight for network in networks)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_contract_comes_from_the_configuration(hub_folder: Save) -> None:
    color = contract_of(resolve(str(hub_folder())))
    assert (color.size, color.bands) == (SIZE, ("red", "green", "blue"))
    assert (color.crops, color.pixel_scale, color.stretch) == ({}, None, "")
    assert "theirs" in color.field
    gray = contract_of(resolve(str(hub_folder("gray", bands=1))))
    assert gray.bands == ("gray",)


def test_an_old_configuration_is_all_pretrained_cfg(hub_folder: Save) -> None:
    stored = config_of().pop("pretrained_cfg")
    network, _ = build(resolve(str(hub_folder(pretrained_cfg=stored))))
    old = hub_folder("old", **stored)
    text = (old / "config.json").read_text().replace('"pretrained_cfg"', '"unused"')
    (old / "config.json").write_text(text)
    assert torch.equal(build(resolve(str(old)))[0].mean, network.mean)
    assert contract_of(resolve(str(old))).size == SIZE


def test_a_network_can_be_given_pixels_as_they_are(hub_folder: Save) -> None:
    source = resolve(str(hub_folder()))
    plain, _ = build(unnormalized(source))
    assert plain.mean.ravel().tolist() == [0, 0, 0] and plain.std.ravel().tolist() == [1, 1, 1]
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    normalized, _ = build(source)
    moved = images * normalized.std + normalized.mean
    torch.testing.assert_close(plain(images)[0], normalized(moved)[0], atol=1e-5, rtol=1e-4)
    assert not torch.allclose(plain(images)[0], normalized(images)[0], atol=1e-3)


def test_a_gray_network_averages_its_planes_and_its_normalization(hub_folder: Save) -> None:
    network, _ = build(resolve(str(hub_folder(bands=1))))
    assert network.mean.item() == pytest.approx(0.4)
    assert network.std.item() == pytest.approx(0.7 / 3)
    images = torch.rand(2, 3, SIZE, SIZE)
    gray = images.mean(1, keepdim=True)
    with torch.no_grad():
        torch.testing.assert_close(network(images)[0], network(gray.expand(-1, 3, -1, -1))[0])
        expected = network.encoder((gray - 0.4) / (0.7 / 3))
    expected = torch.nn.functional.normalize(expected, dim=1)
    torch.testing.assert_close(network(images)[0], expected, atol=1e-5, rtol=1e-5)


def test_a_configuration_cannot_make_timm_load_other_weights(
    hub_folder: Save, no_network: None, tmp_path: Path
) -> None:
    hostile = {
        "pretrained": True, "checkpoint_path": str(tmp_path / "x.pth"), "cache_dir": "x",
        "pretrained_cfg": {"url": "x"}, "pretrained_cfg_overlay": {"file": "x"},
    }  # fmt: skip
    network, _ = build(resolve(str(hub_folder(model_args=hostile))))
    assert network.options == {}
    with pytest.raises(EncoderError, match="is a network 'hf_hub:a/b', which this timm"):
        build(resolve(str(hub_folder("b", architecture="hf_hub:a/b"))))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model_args": {"no_such": 1}}, "timm cannot build"),
        ({"model_args": {"in_chans": 5}}, "takes 5 bands"),
        ({"model_args": [1]}, "model_args of theirs is .1.; expected a table"),
        ({"pretrained_cfg": 3}, "pretrained_cfg of theirs is 3; expected a table"),
        ({"pretrained_cfg": {"mean": None}}, "mean of theirs is None; expected a list"),
        ({"architecture": "resnet_of_mine"}, "which this timm .* does not have"),
        *(
            ({"pretrained_cfg": {"input_size": size}}, "input_size of theirs is .*three whole")
            for size in ([3], [3, "a", "b"], [3, 0, 0], [3, -32, -32], [3, 32, 48], "x", None)
        ),
        ({"pretrained_cfg": {"mean": []}}, "mean of theirs is .*; expected a list"),
        ({"pretrained_cfg": {"mean": ["a", "b", "c"]}}, "mean of theirs is .*'a'"),
        ({"pretrained_cfg": {"mean": "abc"}}, "mean of theirs is 'abc'"),
        ({"pretrained_cfg": {"mean": [0.1, 0.2]}}, "one or three numbers"),
        ({"pretrained_cfg": {"std": [0.1, 0.0, 0.2]}}, "std of theirs .* above 0"),
        ({"pretrained_cfg": {"classifier": 5}}, "classifier of theirs is 5; expected the name"),
        ({"pretrained_cfg": {"first_conv": 5}}, "first_conv of theirs is 5"),
        ({"model_args": {"global_pool": ""}}, "features of shape .*is global_pool off"),
    ],
)
def test_what_cannot_be_built_is_explained(
    hub_folder: Save, change: dict[str, Any], words: str
) -> None:
    if isinstance(change.get("pretrained_cfg"), dict):
        change = {"pretrained_cfg": config_of()["pretrained_cfg"] | change["pretrained_cfg"]}
    with pytest.raises(EncoderError, match=words):
        contract_of(resolve(str(hub_folder(**change))))


@pytest.mark.parametrize(
    ("name", "size", "words"),
    [
        (TINY, 20_000, "images of 20000 px .* expected 1 to 1024"),
        (TINY, -1, "images of -1 px"),
        ("test_vit", 33, "test_vit .* images of 33 px cannot be run: .*give another size"),
    ],
)
def test_a_size_that_a_network_does_not_take_is_refused(name: str, size: int, words: str) -> None:
    with pytest.raises(EncoderError, match=words):
        build(named(name), size=size)


def test_a_network_is_described_by_the_features_it_gives() -> None:
    source = named("mobilenetv3_small_050")
    assert describe(source)["dimensions"] == 1024
    assert build(source, size=32)[0].encoder.num_features == 288


def test_pixels_as_they_are_need_a_configuration_to_say_so_in(hub_folder: Save) -> None:
    with pytest.raises(EncoderError, match="pretrained_cfg of theirs is 3"):
        unnormalized(resolve(str(hub_folder(pretrained_cfg=3))))
