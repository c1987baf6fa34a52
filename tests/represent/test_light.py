from __future__ import annotations

import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from skerry.represent.light import ANGLES, above_sky, asinh, directions, median, waves  # noqa: E402


def test_the_sky_is_the_median_of_the_border_of_each_band() -> None:
    light = torch.full((2, 3, 64, 64), 9.0)
    light[1] = torch.tensor([3.0, 5.0, 7.0])[:, None, None]
    light[:, :, 20:40, 20:40] += 100
    light[:, :, 0, :20] += 50  # something at the edge
    found = above_sky(light)
    assert found[:, :, 50, 50].abs().max() == 0
    assert (found[:, :, 30, 30] == 100).all()


def test_the_sky_is_that_of_the_top_and_bottom_rows() -> None:
    light = torch.zeros(1, 1, 64, 64)
    light[..., :3] = light[..., -3:] = 8  # both sides
    assert above_sky(light)[0, 0, 32, 32] == 0
    assert above_sky(light.rot90(1, (2, 3)))[0, 0, 32, 32] == -8


def test_the_lower_median_is_one_of_the_values() -> None:
    assert median(torch.tensor([[4.0, 1.0, 3.0, 2.0], [9.0, 9.0, 0.0, 1.0]])).tolist() == [2.0, 1.0]


def test_asinh_is_that_of_torch() -> None:
    x = torch.linspace(-300, 300, 601)
    torch.testing.assert_close(asinh(x), torch.asinh(x), atol=1e-5, rtol=1e-4)


def test_waves_are_those_that_were_put_in() -> None:
    angle = directions(torch.device("cpu"))
    assert angle.shape == (ANGLES,)
    light = 5 + 2 * torch.cos(3 * angle) - 1.5 * torch.sin(angle)
    cosine, sine = waves(light[None, :, None], 4)
    torch.testing.assert_close(cosine[0, :, 0], torch.tensor([0.0, 0, 2, 0]), atol=1e-5, rtol=0)
    torch.testing.assert_close(sine[0, :, 0], torch.tensor([1.5, 0, 0, 0]), atol=1e-5, rtol=0)
