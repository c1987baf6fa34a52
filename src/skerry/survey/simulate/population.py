"""The sea: one continuous population, from round red galaxies to late blue spirals."""

from __future__ import annotations

import numpy as np

from skerry.survey.simulate.galaxy import Galaxy
from skerry.survey.simulate.observe import R90, Seeing


def draw_seeing(rng: np.random.Generator) -> Seeing:
    """Draw how large on the sky a galaxy is, and how good the night was."""
    r90 = np.clip(np.exp(rng.normal(np.log(8.5), 0.45)), 4, 30)
    return Seeing(float(r90), float(np.clip(rng.normal(1.3, 0.12), 1.0, 1.7)))


def draw_galaxy(
    rng: np.random.Generator, *, stage: float | None = None, face_on: float = 0.0
) -> Galaxy:
    """Draw the parameters of a galaxy at the frame's center.

    Parameters
    ----------
    rng : numpy.random.Generator
        What all chance is drawn from.
    stage : float, optional
        Where along the Hubble sequence: 0 elliptical, 1 late spiral. Drawn where None; all other
        parameters follow it with scatter, so that there is no gap between kinds.
    face_on : float
        Least cosine of the inclination, 0 (any) to 1.

    Returns
    -------
    Galaxy
    """
    late = float(rng.beta(0.9, 0.95)) if stage is None else stage
    thickness = rng.uniform(0.14, 0.24)
    cosine = rng.uniform(face_on, 1)
    axis_ratio = float(np.sqrt(thickness**2 + (1 - thickness**2) * cosine**2))
    disky = _logistic((late - 0.33) / 0.09 + 0.5 * rng.normal())
    bulge_fraction = float(np.clip(1 - disky * (0.55 + 0.4 * late), 0.03, 0.99))
    spheroid = rng.uniform(0.55, 1) if bulge_fraction > 0.5 else max(axis_ratio, 0.7)
    index = float(np.clip(4.6 - 3.6 * late + 0.6 * rng.normal(), 1, 5))
    # A circular aperture of an inclined galaxy misses less of its length than of its width.
    size = 1.2 * R90 * axis_ratio**-0.25 * np.exp(rng.normal(0, 0.16))
    disk_scale = float(np.clip(size / 3.9, 3.5, 17))
    alone = 1.25 * R90 * np.exp(rng.normal(0, 0.17)) / (1.9 + 0.1 * index)
    bulge_radius = float(disky * disk_scale * rng.uniform(0.3, 0.6) + (1 - disky) * alone)
    spiral = _logistic((late - 0.48) / 0.09) * rng.beta(2.2, 1.5)
    return Galaxy(
        flux=float(2.8e4 * np.exp(rng.normal(0, 0.4) - 0.4 * late)),
        angle=float(rng.uniform(0, np.pi)),
        x=float(rng.normal(0, 0.5)),
        y=float(rng.normal(0, 0.5)),
        blueness=float(np.clip(1.15 * late - 0.12 + 0.13 * rng.normal(), -0.1, 1.15)),
        bulge_fraction=bulge_fraction,
        bulge_radius=bulge_radius,
        bulge_axis_ratio=float(spheroid),
        sersic=index,
        disk_scale=disk_scale,
        axis_ratio=axis_ratio,
        lopsided=float(np.abs(rng.normal(0, 0.05 + 0.12 * late**2))),
        arms=int(rng.choice([2, 3, 4], p=[0.74, 0.15, 0.11])),
        arm_strength=float(1.25 * spiral),
        pitch=float(np.radians(np.clip(8 + 20 * late + 5 * rng.normal(), 8, 38))),
        winding=int(rng.choice([-1, 1])),
        phase=float(rng.uniform(0, 2 * np.pi)),
        wobble=float(0.15 + 1.0 * rng.beta(1.3, 2.5)),
        clumps=float(np.clip(1.2 * late - 0.35 + 0.2 * rng.normal(), 0, 1.1)),
        bar=float(disky * rng.beta(0.7, 1.6)),
        bar_length=float(disk_scale * rng.uniform(0.8, 1.6)),
        dust=float(disky * rng.beta(1.4, 1.2)),
    )


def _logistic(x: float) -> float:
    return float(1 / (1 + np.exp(-x)))
