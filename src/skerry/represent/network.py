"""The network that is trained: any timm encoder, a bottleneck and the vote heads."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

import timm
import torch
from torch import Tensor, nn

from skerry.errors import ConfigError
from skerry.represent.training.recipe import Recipe, refused_options
from skerry.represent.trees.schema import Schema


class VoteNetwork(nn.Module):
    """Encoder, linear bottleneck and concentrations for each answer of a schema.

    The representation is the bottleneck's output brought to unit length; the heads see the
    output through a GELU, so that they can use all its dimensions although they are fewer.
    Concentrations are ``1 + 100 sigmoid`` as in Walmsley et al. 2022 (MNRAS 509, 3966,
    section 3.2). A network of one band averages the planes it is given.
    """

    def __init__(
        self,
        architecture: str,
        schema: Schema,
        *,
        dimensions: int = 128,
        dropout: float = 0.2,
        drop_path: float = 0.1,
        structure_dimensions: int = 0,
        structure_share: float = 0.65,
        options: Mapping[str, Any] | None = None,
        bands: int = 3,
    ) -> None:
        super().__init__()
        self.options = dict(options or {})
        self.encoder = _encoder(architecture, drop_path, bands, self.options)
        self.bands = bands
        self.structure_dimensions = structure_dimensions
        self.structure_share = structure_share
        self.dropout = nn.Dropout(dropout)
        # of some architectures the head widens the features before it would classify them
        width = getattr(self.encoder, "head_hidden_size", None) or self.encoder.num_features
        self.bottleneck = nn.Linear(width, dimensions)
        self.heads = nn.Linear(dimensions, len(schema.columns))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images (n, 3, size, size) in [0, 1] to representations (n, dimensions) and alpha."""
        if self.bands == 1:
            images = images.mean(1, keepdim=True)
        centered = (images - 0.1) / 0.2
        narrow = self.bottleneck(self.dropout(self.encoder(centered)))
        logits = self.heads(nn.functional.gelu(narrow)).float()
        return self.unit(narrow.float()), 1.0 + 100.0 * torch.sigmoid(logits)

    def unit(self, narrow: Tensor) -> Tensor:
        """Bottleneck's output to unit length, a fixed share of it for the part on structure."""
        cut = self.structure_dimensions
        if not cut:
            return nn.functional.normalize(narrow, dim=1)
        parts = narrow[:, :cut], narrow[:, cut:]
        shares = self.structure_share**0.5, (1 - self.structure_share) ** 0.5
        unit = [s * nn.functional.normalize(p, dim=1) for p, s in zip(parts, shares, strict=True)]
        return torch.cat(unit, 1)


def _encoder(
    architecture: str, drop_path: float, bands: int, options: Mapping[str, Any]
) -> nn.Module:
    """timm's network without classes; with no drop path it may be one that knows of none.

    Raises
    ------
    ConfigError
        ``options`` name files, weights or what the recipe itself decides.
    """
    if refused := refused_options(options):
        raise ConfigError(f"options may not set {', '.join(refused)}; leave that out")
    given = {"pretrained": False, "num_classes": 0, "in_chans": bands, **options}
    try:
        made: nn.Module = timm.create_model(architecture, drop_path_rate=drop_path, **given)
    except TypeError as error:
        if "drop_path_rate" not in str(error):
            raise
        if drop_path:
            raise ConfigError(f"{architecture!r} has no drop path; set drop_path=0") from error
        made = timm.create_model(architecture, **given)
    return made


def network_of(recipe: Recipe, schema: Schema) -> VoteNetwork:
    """The network that a recipe trains, with random weights.

    Raises
    ------
    ConfigError
        timm has no such architecture (the nearest is suggested), or cannot build it with the
        recipe's ``options``.
    """
    name = recipe.architecture
    if not timm.is_model(name):
        near = difflib.get_close_matches(name, timm.list_models(), n=1, cutoff=0.0)[0]
        raise ConfigError(f"timm has no architecture {name!r}; did you mean {near!r}?")
    try:
        return VoteNetwork(
            name,
            schema,
            dimensions=recipe.dimensions,
            dropout=recipe.dropout,
            drop_path=recipe.drop_path,
            structure_dimensions=recipe.structure_dimensions,
            structure_share=recipe.structure_share,
            options=recipe.options,
            bands=recipe.bands,
        )
    except ConfigError:
        raise
    except Exception as error:  # each architecture raises its own kinds for its options
        raise ConfigError(
            f"timm cannot build {name!r} with options {recipe.options}: {error}; change options"
        ) from error


class Average:
    """Exponential moving average of a network's weights and buffers."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.state = {k: v.detach().clone() for k, v in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Move toward the network's present state; early steps count more."""
        decay = min(self.decay, (1 + step) / (10 + step))
        held, moved = [], []
        for name, value in network.state_dict().items():
            if value.dtype.is_floating_point:
                held.append(self.state[name])
                moved.append(value)
            else:
                self.state[name].copy_(value)
        torch._foreach_lerp_(held, moved, 1 - decay)  # one launch on a GPU, not hundreds
