from __future__ import annotations

import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from skerry.represent.structure import MEASURES, MODES, RINGS, StructureScale, structure  # noqa: E402


def blobs(*places: tuple[float, float, float], side: int = 96) -> torch.Tensor:
    """Gaussian blobs (x, y, light) on a dark sky, the same in three bands."""
    axis = torch.linspace(-1, 1, side)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    image = sum(v * torch.exp(-((x - a) ** 2 + (y - b) ** 2) / 0.02) for a, b, v in places)
    return image.clamp(0, 255).to(torch.uint8).expand(1, 3, side, side)


def waves(measures: torch.Tensor) -> torch.Tensor:
    return measures[:, RINGS : RINGS * (1 + MODES)].reshape(-1, MODES, RINGS)


def test_turning_and_mirroring_change_nothing() -> None:
    image = blobs((0, 0, 200), (0.4, 0.2, 120), (-0.3, 0.5, 60))
    still = structure(image)
    for turned in (image.rot90(1, (2, 3)), image.flip(3)):
        torch.testing.assert_close(structure(turned), still, atol=2e-3, rtol=1e-3)


def test_a_companion_is_lopsided_and_a_bar_is_two_fold() -> None:
    round_ = waves(structure(blobs((0, 0, 200))))
    companion = waves(structure(blobs((0, 0, 200), (0.4, 0, 150))))
    bar = waves(structure(blobs((0, 0, 200), (0.3, 0, 150), (-0.3, 0, 150))))
    assert round_.max() < 0.15
    assert companion[0, 0].max() > 0.5
    assert bar[0, 1].max() > 0.5
    assert bar[0, 0].max() < 0.15


def test_targets_are_unit_vectors_that_keep_likeness() -> None:
    generator = torch.Generator().manual_seed(0)
    measures = torch.randn(200, MEASURES, generator=generator) * torch.linspace(0.1, 5, MEASURES)
    targets = StructureScale.fit(measures, MEASURES).targets(measures)
    torch.testing.assert_close(targets.norm(dim=1), torch.ones(200))
    standard = ((measures - measures.mean(0)) / measures.std(0)).clamp(-4, 4)
    unit = torch.nn.functional.normalize(standard, dim=1)
    torch.testing.assert_close(targets @ targets.T, unit @ unit.T, atol=1e-4, rtol=1e-4)


def spiral(turn: float, arms: int = 2, side: int = 96) -> torch.Tensor:
    """A disk with arms whose phase turns by so many radians over the image's half width."""
    axis = torch.linspace(-1, 1, side)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    radius, angle = torch.hypot(x, y), torch.atan2(y, x)
    light = 180 * torch.exp(-2 * radius) * (1 + 0.6 * torch.cos(arms * angle - turn * radius))
    return light.clamp(0, 255).to(torch.uint8).expand(1, 3, side, side)


def winding(measures: torch.Tensor) -> torch.Tensor:
    """Cosines and absolute sines of the first four modes between rings, (2, 4, RINGS - 1)."""
    start = RINGS * (1 + MODES + 2)
    return measures[0, start : start + 8 * (RINGS - 1)].reshape(2, 4, RINGS - 1)


def test_wound_arms_are_told_from_straight_ones_and_by_their_number() -> None:
    straight, wound = (winding(structure(spiral(turn))) for turn in (0.0, 14.0))
    assert straight[0, 1, 2:8].min() > 0.3 > 10 * straight[1, 1, 2:8].max()
    assert wound[1, 1, 2:8].min() > 0.15
    one = winding(structure(spiral(14.0, arms=1)))
    assert one[1, 0, 2:8].min() > 3 * one[1, 1, 2:8].max()
    torch.testing.assert_close(winding(structure(spiral(-14.0))), wound, atol=0.02, rtol=0.1)


def test_a_ring_is_a_bump_of_the_profile() -> None:
    axis = torch.linspace(-1, 1, 96)
    radius = torch.hypot(*torch.meshgrid(axis, axis, indexing="ij"))
    disk = 150 * torch.exp(-3 * radius)
    ring = disk + 40 * torch.exp(-(((radius - 0.45) / 0.05) ** 2))
    curved = [
        structure(image.to(torch.uint8).expand(1, 3, 96, 96))[0, 2 - RINGS :]
        for image in (disk, ring)
    ]
    assert curved[1].min() < -0.5 < 2 * curved[0].min()
