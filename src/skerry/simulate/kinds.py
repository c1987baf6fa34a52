"""The rare kinds of galaxy that are planted, each with a visibility from 0 to 1.

Visibility scales the strength of what defines a kind and nothing else; at 0 the galaxy is one of
the sea's. With the same generator another visibility gives the same galaxy.

=================  =======================================  =====================================
kind               what defines it                          scaled by visibility
=================  =======================================  =====================================
low-mass-barred    a faint blue disk, a bar off its center  the bar, how faint the surface is
low-mass-unbarred  a faint blue disk without structure      how faint the surface is, smoothness
one-armed          one strong arm, a lopsided disk          the arm, the lopsidedness
merging-pair       two galaxies, joined by a bridge         companion, bridge and tails
irregular-clumpy   knots all over, no center                knots, lopsidedness
ring               a knotty ring about a nucleus            the share of the disk in the ring
boxy-edge-on       an edge-on disk with a peanut bulge      the share of the bulge that is boxy
tidal-tail         one long tail, a short one opposite      the tails
arc                an elliptical with lensed blue arcs      the arcs
=================  =======================================  =====================================

``shredded``, one galaxy recorded as several sources, is in :mod:`skerry.simulate.shredded`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from skerry.simulate.galaxy import Galaxy
from skerry.simulate.population import draw_galaxy, scaled
from skerry.simulate.streams import Stream, around_center, at_point, bent, wound


@dataclass(frozen=True)
class Subject:
    """What stands in the middle of a cutout: a ``galaxy``, ``others`` that belong to it, and
    ``streams`` of light. The whole is ``extent`` times as large (R90) as the galaxy alone, and
    looks disturbed as ``merger``, an answer of the Galaxy Zoo DECaLS tree, says."""

    galaxy: Galaxy
    others: tuple[Galaxy, ...] = ()
    streams: tuple[Stream, ...] = ()
    extent: float = 1.0
    merger: str = "none"


def draw_subject(kind: str, rng: np.random.Generator, visibility: float) -> Subject:
    """Draw a galaxy of a kind, one of the table above, or of the sea for any other name."""
    drawn = _DRAWN.get(kind)
    return drawn(rng, visibility) if drawn else Subject(draw_galaxy(rng))


def _dwarf(rng: np.random.Generator, v: float) -> Galaxy:
    galaxy = draw_galaxy(rng, late=(0.8, 1.0), absolute=(-17.6, -15.8), face_on=0.5)
    return replace(
        scaled(galaxy, 1 + 0.15 * v),
        arm_strength=0.0,
        bar=0.0,
        dust=0.0,
        bulge_fraction=rng.uniform(0.03, 0.06),
        blueness=rng.uniform(0.75, 0.95),
        lopsided=rng.uniform(0.0, 0.07),
    )


def _low_mass_barred(rng: np.random.Generator, v: float) -> Subject:
    """As the Magellanic type: the bar holds much of the light and lies off the disk's center."""
    galaxy = _dwarf(rng, v)
    return Subject(
        replace(
            galaxy,
            bar=v * rng.uniform(1.5, 1.9),
            bar_length=galaxy.disk_scale * rng.uniform(1.0, 1.3),
            clumps=rng.uniform(0.25, 0.5),
            lopsided=v * rng.uniform(0.1, 0.2),
        )
    )


def _low_mass_unbarred(rng: np.random.Generator, v: float) -> Subject:
    galaxy = _dwarf(rng, v)
    return Subject(replace(galaxy, clumps=rng.uniform(0.3, 0.6) * (1 - 0.8 * v)))


def _one_armed(rng: np.random.Generator, v: float) -> Subject:
    galaxy = draw_galaxy(rng, late=(0.65, 0.9), absolute=(-21.8, -19.0), face_on=0.65)
    return Subject(
        replace(
            galaxy,
            arms=1,
            arm_strength=v * rng.uniform(1.1, 1.35),
            pitch=float(np.radians(rng.uniform(12, 18))),
            lopsided=v * rng.uniform(0.15, 0.3),
            wobble=rng.uniform(0.1, 0.3),
            clumps=rng.uniform(0.3, 0.6),
            bulge_fraction=rng.uniform(0.06, 0.14),
            bar=0.0,
            bar_length=0.9 * galaxy.disk_scale,
        )
    )


def _merging_pair(rng: np.random.Generator, v: float) -> Subject:
    """Two galaxies in a bridge of stars, with tails (Toomre & Toomre 1972, ApJ 178, 623)."""
    main = draw_galaxy(rng, late=(0.2, 0.75), absolute=(-22.5, -20.3), face_on=0.35)
    second = draw_galaxy(rng, late=(0.2, 0.75), absolute=(-22.5, -20.3), face_on=0.35)
    r90 = main.radius(0.9)
    share = rng.uniform(0.2, 0.5)  # of the light, the second's
    apart = r90 * rng.uniform(0.7, 1.5)
    toward = rng.uniform(0, 2 * np.pi)
    step = apart * np.array([np.cos(toward), np.sin(toward)])
    places = -share * step, (1 - share) * step
    shrunk = scaled(main, 0.65)
    second = scaled(second, 0.65 * r90 / second.radius(0.9) * (share / (1 - share)) ** 0.4)
    main = replace(shrunk, x=places[0][0], y=places[0][1], lopsided=0.15, dust=0.0)
    second = replace(
        second, x=places[1][0], y=places[1][1], lopsided=0.15, dust=0.0, redshift=main.redshift,
        flux=v * main.flux * share / (1 - share),
    )  # fmt: skip
    bend = rng.choice([-1, 1]) * rng.uniform(0.3, 0.6)
    young, flux = rng.uniform(0.25, 0.6), v * main.flux
    curves = [(*bent(*places, bend, fading=False), 0.09)]
    for here, there in (places, places[::-1]):
        out = here + rng.uniform(0.7, 1.7) * (here - there)
        aside = 0.8 * bend * np.array([-(here - there)[1], (here - there)[0]])
        curves.append((*bent(here, out + aside, -bend, fading=True), rng.uniform(0.03, 0.14)))
    streams = tuple(Stream(p, w, 0.09 * apart, part * flux, young) for p, w, part in curves)
    merger = "merger" if v > 0.3 else "minor-disturbance"
    return Subject(main, (second,), streams, apart / r90 * 1.05, merger)


def _irregular_clumpy(rng: np.random.Generator, v: float) -> Subject:
    galaxy = draw_galaxy(rng, late=(0.9, 1.0), absolute=(-19.3, -16.8), face_on=0.45)
    h = galaxy.disk_scale
    knots = []
    for _ in range(9):  # as many for every visibility and every galaxy: the faint ones do not show
        radius, angle = h * rng.gamma(2.0, 0.75), rng.uniform(0, 2 * np.pi)
        flux = v * galaxy.flux * rng.lognormal(-3.6, 0.8)
        place = at_point(radius * np.cos(angle), radius * np.sin(angle))
        knots.append(Stream(*place, h * rng.uniform(0.16, 0.34), flux, rng.uniform(0.9, 1.0)))
    changed = replace(
        galaxy,
        bulge_fraction=0.03,
        arm_strength=0.0,
        bar=0.0,
        dust=0.0,
        clumps=rng.uniform(0.2, 0.5) + v * rng.uniform(0.2, 0.7),
        lopsided=v * rng.uniform(0.15, 0.5),
        blueness=rng.uniform(0.85, 1.05),
    )
    merger = "minor-disturbance" if v > 0.5 else "none"
    return Subject(changed, (), tuple(knots), merger=merger)


def _ring(rng: np.random.Generator, v: float) -> Subject:
    """A ring about a small nucleus, as after a companion went through the disk."""
    galaxy = draw_galaxy(rng, late=(0.45, 0.7), absolute=(-22.3, -19.8), face_on=0.6)
    return Subject(
        replace(
            galaxy,
            ring=v * rng.uniform(1.0, 1.25),
            ring_radius=galaxy.disk_scale * rng.uniform(2.3, 2.9),
            bulge_fraction=rng.uniform(0.15, 0.28),
            bulge_radius=0.3 * galaxy.disk_scale,
            blueness=rng.uniform(0.55, 0.85),
            arm_strength=galaxy.arm_strength * (1 - v),
            bar=galaxy.bar * (1 - v),
        )
    )


def _boxy_edge_on(rng: np.random.Generator, v: float) -> Subject:
    galaxy = draw_galaxy(rng, late=(0.3, 0.55), absolute=(-22.5, -20.3))
    return Subject(
        replace(
            galaxy,
            axis_ratio=rng.uniform(0.15, 0.22),
            boxy=0.9 * v,
            bulge_fraction=rng.uniform(0.4, 0.52),
            bulge_radius=galaxy.disk_scale * rng.uniform(0.5, 0.65),
            bulge_axis_ratio=0.72,
            sersic=2.0,
            blueness=rng.uniform(0.15, 0.4),
            dust=rng.uniform(0.2, 0.6),
            arm_strength=0.0,
            bar=0.0,
        )
    )


def _tidal_tail(rng: np.random.Generator, v: float) -> Subject:
    galaxy = draw_galaxy(rng, late=(0.35, 0.75), absolute=(-22.5, -20.3), face_on=0.4)
    r90 = galaxy.radius(0.9)
    start, sense = rng.uniform(0, 2 * np.pi), rng.choice([-1, 1])
    length, turn = rng.uniform(1.8, 2.2), sense * rng.uniform(1.1, 1.7)
    shares = rng.uniform(0.18, 0.28), rng.uniform(0.05, 0.1)
    young = rng.uniform(0.3, 0.6)
    curves = [
        (*wound(0.4 * r90, length * r90, start, turn), shares[0]),
        (*wound(0.4 * r90, 0.6 * length * r90, start + np.pi, turn), shares[1]),
    ]
    streams = tuple(Stream(p, w, 0.07 * r90, s * v * galaxy.flux, young) for p, w, s in curves)
    merger = "major-disturbance" if v > 0.3 else "minor-disturbance"
    changed = replace(galaxy, lopsided=v * rng.uniform(0.15, 0.35))
    return Subject(changed, (), streams, merger=merger)


def _arc(rng: np.random.Generator, v: float) -> Subject:
    """A galaxy behind, bent to an arc and its counter-image (Bolton et al. 2008, ApJ 682, 964).

    As large as a group of galaxies bends it, for it to be seen beside so near a lens.
    """
    galaxy = draw_galaxy(rng, late=(0.0, 0.15), absolute=(-23.6, -21.8))
    r90 = galaxy.radius(0.9)
    radius, middle = r90 * rng.uniform(0.5, 0.75), rng.uniform(0, 2 * np.pi)
    extents = rng.uniform(1.5, 2.6), rng.uniform(0.4, 0.8)
    curves = [
        (*around_center(radius, middle, extents[0]), rng.uniform(0.12, 0.2)),
        (*around_center(0.75 * radius, middle + np.pi, extents[1]), rng.uniform(0.03, 0.05)),
    ]
    width, young = max(0.3, 0.05 * r90), rng.uniform(0.9, 1.0)
    streams = tuple(Stream(p, w, width, s * v * galaxy.flux, young) for p, w, s in curves)
    return Subject(replace(galaxy, blueness=min(galaxy.blueness, 0.15)), (), streams)


_DRAWN: Mapping[str, Callable[[np.random.Generator, float], Subject]] = {
    "low-mass-barred": _low_mass_barred,
    "low-mass-unbarred": _low_mass_unbarred,
    "one-armed": _one_armed,
    "merging-pair": _merging_pair,
    "irregular-clumpy": _irregular_clumpy,
    "ring": _ring,
    "boxy-edge-on": _boxy_edge_on,
    "tidal-tail": _tidal_tail,
    "arc": _arc,
}
