"""What timm is never told, by a recipe or by a configuration that anyone may have written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FORBIDDEN = (
    "pretrained", "pretrained_cfg", "pretrained_cfg_overlay", "pretrained_strict",
    "checkpoint_path", "cache_dir", "num_classes",
)  # fmt: skip
"""Options of ``timm.create_model``: all but the last make it load weights from elsewhere."""


def forbidden(options: Mapping[str, Any]) -> list[str]:
    """Those of some options that timm is not told."""
    return [k for k in options if k in FORBIDDEN or k.startswith("pretrained_cfg")]
