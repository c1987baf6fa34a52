"""A network small enough to see through, for what is done to encoders' files."""

from __future__ import annotations

import torch


class Colors(torch.nn.Module):
    """Its vectors, of five dimensions and unit length, are mean colors of patches."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = torch.nn.Conv2d(3, 5, 8, 8)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, None]:
        return torch.nn.functional.normalize(self.layer(images).mean((2, 3)), dim=1), None
