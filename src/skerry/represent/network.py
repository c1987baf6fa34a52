"""The network that is trained: any timm encoder, a bottleneck and the vote heads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import timm
import torch
from torch import Tensor, nn

from skerry.represent.schema import Schema


class VoteNetwork(nn.Module):
    """Encoder, linear bottleneck and concentrations for each answer of a schema.

    The representation is the bottleneck's output brought to unit length; the heads see the
    output through a GELU, so that they can use all its dimensions although they are fewer.
    Concentrations are
    ``1 + 100 sigmoid`` as in Walmsley et al. 2022 (MNRAS 509, 3966, section 3.2).
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
    ) -> None:
        super().__init__()
        self.encoder = timm.create_model(
            architecture,
            pretrained=False,
            num_classes=0,
            drop_path_rate=drop_path,
            **(options or {}),
        )
        self.structure_dimensions = structure_dimensions
        self.structure_share = structure_share
        self.dropout = nn.Dropout(dropout)
        self.bottleneck = nn.Linear(self.encoder.num_features, dimensions)
        self.heads = nn.Linear(dimensions, len(schema.columns))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images (n, 3, size, size) in [0, 1] to representations (n, dimensions) and alpha."""
        centered = (images - 0.1) / 0.2
        narrow = self.bottleneck(self.dropout(self.encoder(centered)))
        logits = self.heads(nn.functional.gelu(narrow)).float()
        return self.unit(narrow), 1.0 + 100.0 * torch.sigmoid(logits)

    def unit(self, narrow: Tensor) -> Tensor:
        """Bottleneck's output to unit length, a fixed share of it for the part on structure."""
        cut = self.structure_dimensions
        if not cut:
            return nn.functional.normalize(narrow, dim=1)
        parts = narrow[:, :cut], narrow[:, cut:]
        shares = self.structure_share**0.5, (1 - self.structure_share) ** 0.5
        unit = [s * nn.functional.normalize(p, dim=1) for p, s in zip(parts, shares, strict=True)]
        return torch.cat(unit, 1)


class Average:
    """Exponential moving average of a network's weights and buffers."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.state = {k: v.detach().clone() for k, v in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Move toward the network's present state; early steps count more."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, value in network.state_dict().items():
            if value.dtype.is_floating_point:
                self.state[name].lerp_(value, 1 - decay)
            else:
                self.state[name].copy_(value)
