"""Figures show what they are told to, with the same bytes whatever the reader's settings."""

from __future__ import annotations

import io
from dataclasses import replace

import matplotlib
import numpy as np
import pytest
from PIL import Image

from skerry.publish.figures import map_figure, size_figure
from skerry.publish.null_figure import null_figure


def colored(png: bytes) -> int:
    """Pixels with a clear hue: members of the colored classes."""
    image = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)
    return int((np.ptp(image, axis=2) > 90).sum())


def test_classes_are_colored_on_a_gray_sea(make) -> None:
    found = make(3)
    alone = replace(found, classes=())
    assert colored(map_figure(alone)) == 0
    assert colored(map_figure(found)) > 500


def test_rejected_candidates_are_not_colored(make, judge) -> None:
    found = make(2)
    both, one, none = (
        [figure(judge(found, verdicts)) for figure in (map_figure, size_figure)]
        for verdicts in (["confirmed"] * 2, ["confirmed", "rejected"], ["rejected"] * 2)
    )
    for i in range(2):
        assert colored(both[i]) > colored(one[i]) > colored(none[i]) == 0


def test_featureless_data_is_drawn_beside_what_was_found(judged) -> None:
    alone = replace(judged, null_containment={"shuffled": np.zeros(0)})
    assert colored(null_figure(judged)) > 1.5 * colored(null_figure(alone))
    unmarked = replace(judged, classes=judged.classes[:1])
    assert null_figure(unmarked) != null_figure(judged)


@pytest.mark.parametrize("n_classes", [0, 1, 25])
def test_any_number_of_classes_beside_nulls(n_classes: int, make, judge) -> None:
    found = judge(make(n_classes, n=600), ["rejected"] * n_classes) if n_classes else None
    empty = replace(make(0), null_containment={"shuffled": np.zeros(0)}, n_nulls=1)
    image = Image.open(io.BytesIO(null_figure(found or empty)))
    assert image.format == "PNG" and image.width == 1440


def test_bytes_do_not_change_with_style_or_time(findings, judged) -> None:
    once = map_figure(findings), size_figure(findings), null_figure(judged)
    with matplotlib.rc_context({"figure.facecolor": "red", "font.size": 30, "savefig.dpi": 50}):
        again = map_figure(findings), size_figure(findings), null_figure(judged)
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
    with pytest.raises(ValueError, match="0 searches of 1 kinds"):
        replace(findings, null_containment={"shuffled": np.zeros(3)})
    with pytest.raises(ValueError, match="a verdict, but no nulls"):
        replace(findings, classes=(replace(findings.classes[0], verdict="rejected"),))


def test_points_drawn_block_by_block_are_all_drawn(make, monkeypatch: pytest.MonkeyPatch) -> None:
    found = make(2, n=500)
    whole = map_figure(found)
    monkeypatch.setattr("skerry.publish.figures._DRAWN", 70)
    assert map_figure(found) == whole
