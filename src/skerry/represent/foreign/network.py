"""Building the network of a source and giving it its weights. Imports torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import timm
import torch
from torch import Tensor, nn

from skerry.errors import EncoderError
from skerry.represent.foreign import checkpoint
from skerry.represent.foreign.settings import (
    LARGEST,
    config_of,
    defaults,
    input_size,
    network_of,
)
from skerry.represent.foreign.source import Source


class ForeignNetwork(nn.Module):
    """A timm network with its own normalization, and a linear bottleneck if it has one.

    A network of one band averages the planes it is given. ``raw`` leaves features as they are,
    for a bottleneck to be fitted to. ``features`` is how many the encoder gives, once built.
    """

    def __init__(
        self,
        architecture: str,
        encoder: nn.Module,
        mean: Sequence[float],
        std: Sequence[float],
        options: Mapping[str, Any],
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1))
        self.bottleneck: nn.Module = nn.Identity()
        self.raw = False
        self.features = 0
        self.bands = len(mean)
        self.normalization = {"mean": list(mean), "std": list(std)}
        self.architecture = architecture
        self.options = dict(options)

    def forward(self, images: Tensor) -> tuple[Tensor, None]:
        """Images (n, 3, size, size) in [0, 1] to vectors (n, dimensions) of unit length.

        None stands for the votes that it does not expect.
        """
        if self.bands == 1:
            images = images.mean(1, keepdim=True)
        features = self.bottleneck(self.encoder((images - self.mean) / self.std))
        return features if self.raw else nn.functional.normalize(features, dim=1), None


def build(source: Source, *, size: int = 0, seed: int = 0) -> tuple[ForeignNetwork, list[str]]:
    """The network of a source with its weights, and what a user should know of them.

    ``size`` is the side of its images in pixels, 0 for the source's own; ``seed`` draws the
    weights of an untrained one.

    Raises
    ------
    EncoderError
        timm has no such network, its configuration is malformed, it does not take images of
        this size, or the weights are of another.
    """
    (name, options), config = network_of(source), config_of(source)
    side = size or input_size(source)
    if not 0 < side <= LARGEST:
        raise EncoderError(f"images of {side} px were asked for; expected 1 to {LARGEST}")
    if config.get("fixed_input_size") and side != defaults(name)["input_size"][1]:
        options["img_size"] = side
    weights = {} if source.untrained else checkpoint.state_dict(source.weights)
    bands = options.pop("in_chans", 0) or _bands(weights, config)
    if bands not in (1, 3):
        raise EncoderError(
            f"{source.record} takes {bands} bands; skerry's images have 3, or 1 of gray"
        )
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            encoder = timm.create_model(
                name, pretrained=False, num_classes=0, in_chans=bands, **options
            )
    except Exception as error:  # timm raises whatever an option it does not expect leads to
        raise EncoderError(f"timm cannot build {name} with {options}: {error}") from error
    notes = [f"untrained: its weights are random, drawn with seed {seed}"]
    if not source.untrained:
        notes = _give(encoder, weights, config, source)
    mean, std = _planes(config["mean"], bands), _planes(config["std"], bands)
    network = ForeignNetwork(name, encoder, mean, std, options).eval()
    network.features = _features(network, side)
    return network, notes


def _features(network: ForeignNetwork, side: int) -> int:
    """How many features it gives of an image: found by showing it one.

    timm's own count is that before the last layers of some networks.
    """
    what = f"{network.architecture} with options {network.options} and images of {side} px"
    try:
        with torch.no_grad():
            found = network(torch.zeros(1, 3, side, side))[0]
    except Exception as error:  # whatever a size or an option that does not fit leads to
        raise EncoderError(f"{what} cannot be run: {error}; give another size") from error
    if found.ndim != 2:
        raise EncoderError(
            f"{what} gives features of shape {tuple(found.shape[1:])} for an image; expected "
            "one row: is global_pool off?"
        )
    return int(found.shape[1])


def _bands(weights: Mapping[str, Tensor], config: Mapping[str, Any]) -> int:
    """How many bands the first layer of the weights takes; 3 for random ones."""
    first = config.get("first_conv") or ""
    first = first if isinstance(first, str) else first[0]  # of a network of several branches
    found = [w for k, w in weights.items() if f".{k}".endswith(f".{first}.weight") and w.ndim == 4]
    return int(found[0].shape[1]) if found else int(config["input_size"][0])


def _planes(values: Sequence[float], bands: int) -> list[float]:
    """A normalization for each band; a gray image is the mean of three, and so is its own."""
    if len(values) == bands:
        return [float(v) for v in values]
    return [float(sum(values) / len(values))] * bands


def _give(
    encoder: nn.Module, weights: dict[str, Tensor], config: Mapping[str, Any], source: Source
) -> list[str]:
    """Load a state_dict, whatever it lies under; returns what was left out, in words."""
    expected = encoder.state_dict()
    # what torch.compile adds may stand anywhere in a name
    weights = {name.replace("_orig_mod.", ""): value for name, value in weights.items()}
    prefix = _prefix(list(weights), list(expected), source)
    inside = {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}
    missing = [k for k in expected if k not in inside]
    heads = _heads(config)
    left = [k for k in inside if k not in expected]
    unexpected = [k for k in left if not k.startswith(heads)]
    if missing or unexpected:
        parts = [
            f"{len(keys)} {word} ({', '.join(keys[:3])}{', …' if len(keys) > 3 else ''})"
            for word, keys in (("missing", missing), ("unexpected", unexpected))
            if keys
        ]
        raise EncoderError(
            f"the weights of {source.record} are not those of {source.architecture}: "
            f"{' and '.join(parts)} keys; give the network that they were trained with"
        )
    for key, value in expected.items():
        if inside[key].shape != value.shape:
            raise EncoderError(
                f"the weights of {source.record} do not fit {source.architecture}: {key} has "
                f"shape {tuple(inside[key].shape)}, expected {tuple(value.shape)}; were they "
                "trained at another image size or with other options?"
            )
    encoder.load_state_dict({k: inside[k] for k in expected})
    outside = [k for k in weights if not k.startswith(prefix)]
    notes = [f"left out the classifier: {', '.join(left)}"] if left else []
    if outside:
        notes.append(f"left out {len(outside)} values beside the encoder, as {outside[0]}")
    return notes


def _heads(config: Mapping[str, Any]) -> tuple[str, ...]:
    """How names of a classifier's weights begin."""
    names = config.get("classifier") or ()
    names = (names,) if isinstance(names, str) else names
    return tuple(f"{name}." for name in names)


def _prefix(found: list[str], expected: list[str], source: Source) -> str:
    """What stands before the network's own names: the one that explains most of them."""
    names = set(found)
    candidates = {k.removesuffix(e) for e in expected[:1] for k in found if k.endswith(e)}
    candidates = {p for p in candidates if not p or p.endswith(".")} | {""}
    matched = {p: sum(p + e in names for e in expected) for p in sorted(candidates)}
    best = max(matched.values())
    prefixes = [p for p, n in matched.items() if n == best]
    if best and len(prefixes) > 1:
        raise EncoderError(
            f"{source.record} holds several networks, under {' and '.join(map(repr, prefixes))}; "
            "save the one to use as safetensors, in a folder with config.json"
        )
    return prefixes[0]
