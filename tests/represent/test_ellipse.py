from __future__ import annotations

import math

import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from skerry.represent.ellipse import (  # noqa: E402
    MEASURES,
    MODES,
    RINGS,
    ellipse_structure,
    ellipses,
)
from tests.represent.shapes import axes, image  # noqa: E402

SIDE = 96


def disk(
    ratio: float = 0.4, turn: float = 25.0, size: float = 0.3, power: float = 2.0
) -> torch.Tensor:
    """A Gaussian whose isophotes are ellipses, boxes above a power of 2, lozenges below."""
    x, y = axes(SIDE, turn)
    radius = ((x / size).abs() ** power + (y / (ratio * size)).abs() ** power) ** (2 / power)
    return 180 * torch.exp(-radius / 2)


def fourth(measures: torch.Tensor) -> torch.Tensor:
    """Cosines of the fourth mode, of each ring: mode 4 is the second of the even ones."""
    start = RINGS + RINGS
    return measures[0, start : start + RINGS]


@pytest.mark.parametrize(("ratio", "turn"), [(0.4, 25.0), (0.7, -60.0), (0.5, 90.0), (0.5, 0.0)])
def test_semi_axes_and_angle_of_a_gaussian_come_back(ratio: float, turn: float) -> None:
    found = ellipses(disk(ratio, turn)[None])
    assert float(found.major) == pytest.approx(0.3, rel=0.05)
    assert float(found.minor) == pytest.approx(0.3 * ratio, rel=0.1)
    angle = math.degrees(math.atan2(float(found.sine), float(found.cosine)))
    assert (angle - turn + 90) % 180 - 90 == pytest.approx(0, abs=1)


def test_turning_and_mirroring_change_nothing() -> None:
    x, y = axes(SIDE)
    companion = 90 * torch.exp(-((x - 0.3).square() + (y + 0.2).square()) / 0.01)
    shown = image(disk() + companion)
    still = ellipse_structure(shown)
    assert still.shape == (1, MEASURES) == (1, RINGS * (1 + 3 * MODES // 2))
    for turned in (shown.rot90(1, (2, 3)), shown.rot90(2, (2, 3)), shown.flip(3)):
        torch.testing.assert_close(ellipse_structure(turned), still, atol=0.01, rtol=0.01)


def test_size_and_inclination_matter_little() -> None:
    """Of a galaxy without structure nothing is left but its profile, however it is seen."""
    for seen in (disk(0.9), disk(0.5), disk(0.3), disk(0.5, size=0.2)):
        on_it = ellipse_structure(image(seen))[0, RINGS:]
        assert on_it.abs().max() < 0.25
    profiles = [ellipse_structure(image(disk(0.5, size=s)))[0, : RINGS // 2] for s in (0.2, 0.3)]
    torch.testing.assert_close(*profiles, atol=0.1, rtol=0.05)


def test_boxy_isophotes_are_told_from_disky_ones() -> None:
    boxy, disky = (fourth(ellipse_structure(image(disk(0.5, power=p)))) for p in (4.0, 1.3))
    assert boxy[4:7].max() < -0.05
    assert disky[4:7].min() > 0.05


def test_an_empty_image_has_no_shape_and_is_no_error() -> None:
    for shown in (image(torch.zeros(SIDE, SIDE)), image(torch.zeros(SIDE, SIDE), sky=255)):
        assert torch.isfinite(ellipse_structure(shown)).all()
