"""How many sources a second one core draws, from their seeds to the bytes of their files.

    python benchmarks/simulation_speed.py [-o benchmarks/simulation_speed.md]

Seconds of the processor, not of the clock, so that other work on the machine counts for little;
beside them GalSim alone drawing one Sersic galaxy of the same size through the same PSF, noise
included, in each band: what a user would start from. Median of five rounds of 200 sources.
"""

from __future__ import annotations

import argparse
import functools
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import galsim
import numpy as np
from tables import publish, table

from skerry.simulate import Sky, sky_of
from skerry.simulate.catalog import row
from skerry.simulate.plan import Planned, plan
from skerry.simulate.writing import image_bytes

N, ROUNDS = 200, 5


def ours(sky: Sky, sources: list[Planned]) -> None:
    for source in sources:
        drawn = source.drawn(sky)
        image_bytes(source, drawn, sky)
        row(source, drawn, sky, "images/0")


def plain(sky: Sky, n: int) -> None:
    """One Sersic profile a band, PSF and Gaussian noise, by GalSim's own means."""
    rng = galsim.BaseDeviate(1)
    for i in range(n):
        galaxy = galsim.Sersic(1.0 + 0.5 * (i % 7), half_light_radius=3.0).shear(
            q=0.6, beta=0.3 * galsim.radians
        )
        for band in sky.bands:
            seen = galsim.Convolve(galaxy, galsim.Moffat(beta=4.765, fwhm=band.psf_fwhm))
            image = seen.drawImage(nx=sky.size, ny=sky.size, scale=sky.pixel_scale)
            image.addNoise(galsim.GaussianNoise(rng, sigma=0.1))


def rate(work: Callable[[], None], n: int) -> float:
    began = time.process_time()
    work()
    return n / (time.process_time() - began)


def line(name: str) -> list[object]:
    """One sky's line of the table."""
    sky = replace(sky_of(name), size=128, n=N * (ROUNDS + 1), seed=9)
    sources = list(plan(sky))
    ours(sky, sources[:50])
    rounds = [sources[N * i : N * (i + 1)] for i in range(ROUNDS)]
    drawn = np.median([rate(functools.partial(ours, sky, part), N) for part in rounds])
    alone = np.median([rate(functools.partial(plain, sky, N), N) for _ in rounds])
    return [name, sky.size, sky.format, f"{drawn:.0f}", f"{alone:.0f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    lines = [line(name) for name in ("sdss", "decals")]
    heads = ["sky", "pixels", "format", "sources a second", "GalSim alone, one profile"]
    publish(table(heads, lines), "How fast a sky is drawn", args.output)


if __name__ == "__main__":
    main()
