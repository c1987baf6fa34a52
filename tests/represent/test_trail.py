from __future__ import annotations

import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from skerry.represent.trail import trail  # noqa: E402
from tests.represent.shapes import axes, image  # noqa: E402

SIDE = 64


def galaxy() -> torch.Tensor:
    x, y = axes(SIDE, 30.0)
    noise = 2 * torch.randn(SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    return 150 * torch.exp(-(x.square() + (y / 0.4).square()) / 0.1) + noise


def line(turn: float, offset: float = 0.1, width: float = 0.04, reach: float = 9.0) -> torch.Tensor:
    x, y = axes(SIDE, turn)
    return 80.0 * ((y - offset).abs() < width) * (x.abs() < reach)


def measured(*bands: torch.Tensor) -> float:
    return float(trail(image(*bands)))


@pytest.mark.parametrize("turn", [0.0, 17.0, 45.0, 90.0, 140.0])
@pytest.mark.parametrize("band", [0, 1, 2])
def test_a_line_across_one_band_is_a_trail_whatever_its_color_and_direction(
    turn: float, band: int
) -> None:
    bands = [galaxy() for _ in range(3)]
    bands[band] = bands[band] + line(turn)
    assert measured(*bands) > 0.5


def test_what_a_galaxy_is_or_has_about_it_is_none() -> None:
    x, y = axes(SIDE)
    star = 200 * torch.exp(-((x - 0.5).square() + (y - 0.4).square()) / 0.004)
    red = (galaxy() * 1.2, galaxy(), galaxy() * 0.7)
    edge_on = 150 * torch.exp(-(x.square() / 0.2 + y.square() / 0.003))
    assert measured(*red) == 0
    assert measured(red[0] + star, red[1], red[2] + 0.3 * star) == 0
    assert measured(edge_on * 1.2, edge_on, edge_on * 0.6) == 0
    assert measured(torch.zeros(SIDE, SIDE)) == 0


def test_a_line_in_all_bands_is_no_trail_nor_one_that_ends() -> None:
    spike = galaxy() + line(17.0)
    assert measured(spike) == 0
    short = line(17.0, reach=0.5)
    assert measured(galaxy() + short, galaxy(), galaxy()) < 0.2


def test_the_size_of_the_image_matters_little() -> None:
    enlarged = torch.nn.functional.interpolate
    bands = image(galaxy() + line(40.0), galaxy(), galaxy()).float()
    small, large = trail(bands), trail(enlarged(bands, scale_factor=1.5, mode="bilinear"))
    torch.testing.assert_close(small, large, atol=0.2, rtol=0.2)
