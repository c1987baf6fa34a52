"""Figures show what they are told to, with the same bytes whatever the reader's settings."""

from __future__ import annotations

import io
from dataclasses import replace

import matplotlib
import numpy as np
import pytest
from PIL import Image

from skerry.publish.figures import map_figure, size_figure


def colored(png: bytes) -> int:
    """Pixels with a clear hue: members of the colored classes."""
    image = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)
    return int((np.ptp(image, axis=2) > 90).sum())


def test_classes_are_colored_on_a_gray_sea(make) -> None:
    found = make(3)
    alone = replace(found, classes=())
    assert colored(map_figure(alone)) == 0
    assert colored(map_figure(found)) > 500


def test_bytes_do_not_change_with_style_or_time(findings) -> None:
    once = map_figure(findings), size_figure(findings)
    with matplotlib.rc_context({"figure.facecolor": "red", "font.size": 30, "savefig.dpi": 50}):
        again = map_figure(findings), size_figure(findings)
        assert matplotlib.rcParams["font.size"] == 30
    assert once == again
    assert all(b"Software" not in png and b"tEXt" not in png for png in once)


@pytest.mark.parametrize("figure", [map_figure, size_figure])
@pytest.mark.parametrize("n_classes", [0, 1, 25])
def test_any_number_of_classes(figure, n_classes: int, make) -> None:
    image = Image.open(io.BytesIO(figure(make(n_classes, n=600))))
    assert image.format == "PNG" and image.width == 1440


def test_no_source_and_coordinates_that_are_not_finite(make) -> None:
    found = make(2, n=300)
    points = found.map.copy()
    points[:20] = np.nan
    assert map_figure(replace(found, map=points))
    empty = replace(found, classes=(), ids=(), map=np.empty((0, 2), np.float32))
    assert map_figure(empty)


def test_findings_must_be_aligned(findings) -> None:
    with pytest.raises(ValueError, match="map is"):
        replace(findings, map=findings.map[:-1])
