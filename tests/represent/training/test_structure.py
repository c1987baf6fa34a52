from __future__ import annotations

import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from skerry.represent.training.structure import MODES, RINGS, StructureScale, structure  # noqa: E402


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
    measures = torch.randn(200, 96, generator=generator) * torch.linspace(0.1, 5, 96)
    targets = StructureScale.fit(measures, 96).targets(measures)
    torch.testing.assert_close(targets.norm(dim=1), torch.ones(200))
    standard = ((measures - measures.mean(0)) / measures.std(0)).clamp(-4, 4)
    unit = torch.nn.functional.normalize(standard, dim=1)
    torch.testing.assert_close(targets @ targets.T, unit @ unit.T, atol=1e-4, rtol=1e-4)
