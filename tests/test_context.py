"""What the stages of a run share; most of it is in test_pipeline.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from skerry.adding.joint import open_inputs
from skerry.config import Config
from skerry.context import Context
from skerry.progress import silent


def write(folder: Path, gray: list[bool]) -> Path:
    folder.mkdir()
    for i, one in enumerate(gray):
        pixels = np.random.default_rng(i).integers(0, 256, (48, 48, 1 if one else 3), np.uint8)
        cv2.imwrite(str(folder / f"{folder.name}{i}.png"), pixels)
    return folder


def test_each_input_is_looked_at(tmp_path: Path) -> None:
    first, mixed = write(tmp_path / "a", [False] * 3), write(tmp_path / "b", [True, False])
    nowhere: Any = None
    for inputs, notes in (([first], 0), ([first, mixed], 1), ([mixed, first], 1)):
        survey = open_inputs(inputs, Config().sources)
        found = Context(nowhere, survey, Config(), silent).image_notes
        assert len(found) == notes
        assert all("1 are gray and the others are not" in note for note in found)
