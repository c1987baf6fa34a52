"""The figure of a recovery: what is found more often stands higher, the same bytes each time."""

from __future__ import annotations

import io

import matplotlib
import numpy as np
from PIL import Image

from skerry.publish.recovery_figure import Line, recovery_figure

PREVALENCES = (0.001, 0.002, 0.005)
CONTROL = Line("ordinary sources", PREVALENCES, (0.0,) * 3, (0.0,) * 3, (0.1,) * 3)


def line(share: float, label: str = "visibility 1") -> Line:
    return Line(label, PREVALENCES, (share,) * 3, (share - 0.1,) * 3, (share + 0.1,) * 3)


def blue_rows(png: bytes) -> np.ndarray:
    image = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)
    left = image[:, : int(0.6 * image.shape[1])]  # clear of the legend
    return np.flatnonzero((np.abs(left - [0, 114, 178]).sum(2) < 30).any(1))


def test_what_is_found_more_often_stands_higher() -> None:
    often, seldom = (
        blue_rows(recovery_figure([line(share)], CONTROL, 0.9, "rings")) for share in (0.8, 0.2)
    )
    assert often.mean() + 100 < seldom.mean()


def test_the_title_and_each_line_are_shown() -> None:
    one = recovery_figure([line(0.5)], CONTROL, 0.9, "rings")
    assert recovery_figure([line(0.5)], CONTROL, 0.9, "arcs (optimistic bound)") != one
    assert recovery_figure([line(0.5), line(0.7, "visibility 0.5")], CONTROL, 0.9, "rings") != one


def test_bytes_stay_the_same_whatever_the_readers_settings() -> None:
    once = recovery_figure([line(0.5)], CONTROL, 0.9, "rings")
    with matplotlib.rc_context({"figure.facecolor": "red", "font.size": 30, "savefig.dpi": 50}):
        assert recovery_figure([line(0.5)], CONTROL, 0.9, "rings") == once
    assert b"Software" not in once
