from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from skerry.simulate.galaxy import Galaxy, draw
from skerry.simulate.scene import Grid, Scene

DISK = Galaxy(
    flux=100.0, redshift=0.03, mass=10.0, sfr=0.0, late=0.7, blueness=0.6, bulge_fraction=0.0,
    bulge_radius=1.0, bulge_axis_ratio=1.0, sersic=4.0, disk_scale=2.0, axis_ratio=1.0, angle=0.0,
)  # fmt: skip
BULGE = replace(DISK, bulge_fraction=1.0, bulge_radius=3.0)


def test_radii_of_a_disk_are_those_of_the_literature() -> None:
    """Petrosian fluxes of exponential disks hold nearly all light: R50 1.66, R90 3.7 scales or so
    (Graham et al. 2005, AJ 130, 1535)."""
    assert DISK.radius(0.5) / 2.0 == pytest.approx(1.66, abs=0.04)
    assert DISK.radius(0.9) / 2.0 == pytest.approx(3.75, abs=0.12)


def test_radii_of_an_elliptical_leave_out_its_wings() -> None:
    """Concentration R90 / R50 near 3.3 for de Vaucouleurs, 2.3 for a disk (Strateva et al. 2001,
    AJ 122, 1861); the whole profile would give 5.5."""
    assert BULGE.radius(0.9) / BULGE.radius(0.5) == pytest.approx(3.4, abs=0.2)
    assert DISK.radius(0.9) / DISK.radius(0.5) == pytest.approx(2.3, abs=0.1)
    assert BULGE.radius(0.5) < BULGE.bulge_radius


def test_radii_scale_and_ascend() -> None:
    shares = [DISK.radius(s) for s in (0.2, 0.5, 0.9)]
    assert shares == sorted(shares)
    twice = replace(BULGE, bulge_radius=6.0, disk_scale=4.0)
    assert twice.radius(0.9) == pytest.approx(2 * BULGE.radius(0.9), rel=1e-6)


@pytest.mark.parametrize(
    "changes",
    [
        {"arm_strength": 1.0},
        {"bar": 1.0, "bar_length": 3.0},
        {"ring": 1.0, "ring_radius": 5.0},
        {"clumps": 1.0},
        {"bulge_fraction": 0.4, "boxy": 0.9, "axis_ratio": 0.2},
        {"lopsided": 0.3},
    ],
)
def test_features_move_light_and_add_none(changes: dict[str, float]) -> None:
    scene = Scene.empty(Grid(160, 0.4))
    draw(replace(DISK, **changes), scene, np.random.default_rng(0))  # type: ignore[arg-type]
    drawn = scene.maps.sum() + sum(old + young for _, old, young in scene.profiles)
    assert drawn == pytest.approx(100.0, rel=1e-3)


def test_dust_shows_only_near_edge_on() -> None:
    for axis_ratio, there in ((0.15, True), (0.8, False)):
        scene = Scene.empty(Grid(80, 0.4))
        draw(replace(DISK, dust=1.0, axis_ratio=axis_ratio), scene, np.random.default_rng(0))
        assert (scene.dust is not None) == there
