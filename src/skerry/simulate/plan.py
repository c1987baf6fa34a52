"""What a simulated survey holds, before any of it is drawn: kinds, places, nights, seeds."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from skerry.errors import ConfigError
from skerry.simulate.draw import Drawn, draw_source, fragments
from skerry.simulate.footprint import Footprint, around, conditions, placed
from skerry.simulate.observe import Night
from skerry.simulate.positions import positions
from skerry.simulate.sky import SEA, Sky
from skerry.types import DoubleArray

SHREDDED = "shredded"

_ORDER, _PLACES, _DRAWING, _MEASURING = range(4)
"""What a stream of chance is for: none is shared."""

_WHOLE = np.zeros((1, 2))


@dataclass(frozen=True, slots=True)
class Planned:
    """A source to draw.

    ``number`` counts the objects of its kind from 0: with the survey's seed it is what the source
    is drawn from. Of a shredded galaxy every fragment has the number of the whole, whose id is
    ``parent`` (empty otherwise). ``ra`` and ``dec`` are in deg, ICRS.
    """

    id_str: str
    kind: str
    number: int
    fragment: int
    parent: str
    visibility: float
    ra: float
    dec: float
    field: int
    detector: str
    brick: str
    night: Night

    def drawn(self, sky: Sky) -> Drawn:
        """The source, drawn: always the same."""
        rng = drawing_stream(sky.seed, self.kind, self.number)
        return draw_source(self.kind, rng, sky, self.night, self.visibility, self.fragment)

    def measuring_stream(self, seed: int) -> np.random.Generator:
        """What the source's votes and its errors of measurement are drawn from."""
        return _stream(seed, _MEASURING, _number_of(self.kind), self.number, self.fragment)


def plan(sky: Sky, footprint: Footprint | None = None) -> tuple[Planned, ...]:
    """Plan a survey of ``sky.n`` sources, in the order of their ids.

    Each kind takes its share of the sources, rounded; shredded galaxies are recorded whole, so
    that theirs may be more by less than one galaxy's fragments. The rest is the sea. What a source
    looks like does not depend on ``n`` nor on other sources but for where it lies, and with that
    for its field's PSF and depth. The ids' order tells nothing.

    Raises
    ------
    ConfigError
        The kinds take more sources than there are.
    """
    footprint = footprint or Footprint()
    objects = tuple(_objects(sky))
    total = sum(len(found.offsets) for found in objects)
    if total > sky.n:
        raise ConfigError(
            f"n is {sky.n}, but with whole galaxies and rounded shares the kinds take {total} "
            "sources; raise n or lower the shares of kinds"
        )
    objects += tuple(_Object(SEA, i, _WHOLE) for i in range(sky.n - total))
    ra, dec = _places(objects, sky, footprint)
    sources = [(found, i) for found in objects for i in range(len(found.offsets))]
    where = placed(ra, dec, footprint)
    nights = _nights(sky, footprint)
    order = _stream(sky.seed, _ORDER).permutation(sky.n).tolist()
    return tuple(
        Planned(
            id_str=f"SIM-{at:06d}",
            kind=sources[row][0].kind,
            number=sources[row][0].number,
            fragment=sources[row][1],
            parent=sources[row][0].parent,
            visibility=1.0 if sources[row][0].kind == SEA else sky.visibility,
            ra=float(ra[row]),
            dec=float(dec[row]),
            field=int(where.field[row]),
            detector=str(where.detector[row]),
            brick=str(where.brick[row]),
            night=nights[int(where.field[row])],
        )
        for at, row in enumerate(order)
    )


def drawing_stream(seed: int, kind: str, number: int) -> np.random.Generator:
    """What the object of a kind and a number is drawn from, fresh."""
    return _stream(seed, _DRAWING, _number_of(kind), number)


@dataclass(frozen=True)
class _Object:
    """One thing on the sky; ``offsets`` float64 (m, 2), arcsec west and north, of its sources."""

    kind: str
    number: int
    offsets: DoubleArray

    @property
    def parent(self) -> str:
        return f"SHREDDED-{self.number:04d}" if self.kind == SHREDDED else ""


def _objects(sky: Sky) -> Iterator[_Object]:
    """What is planted."""
    for kind, share in sky.kinds:
        wanted, number = round(share * sky.n), 0
        while wanted > 0:
            offsets = _WHOLE
            if kind == SHREDDED:
                offsets = fragments(drawing_stream(sky.seed, kind, number), sky)
            yield _Object(kind, number, offsets)
            wanted, number = wanted - len(offsets), number + 1


def _places(
    objects: tuple[_Object, ...], sky: Sky, footprint: Footprint
) -> tuple[DoubleArray, DoubleArray]:
    """Right ascension and declination of each source, object by object; deg."""
    rng = _stream(sky.seed, _PLACES)
    ra, dec = positions([found.kind for found in objects], footprint, rng)
    counts = [len(found.offsets) for found in objects]
    west, north = np.concatenate([found.offsets for found in objects]).T
    apart = (west != 0) | (north != 0)
    ra, dec = np.repeat(ra, counts), np.repeat(dec, counts)
    ra[apart], dec[apart] = around(ra[apart], dec[apart], -west[apart], north[apart])
    return ra, dec


def _nights(sky: Sky, footprint: Footprint) -> tuple[Night, ...]:
    """What each field was observed with."""
    found = conditions(footprint, sky.bands, sky.seed)
    pairs = zip(found.psf_fwhm.tolist(), found.depth.tolist(), strict=True)
    return tuple(Night(tuple(fwhm), tuple(depth)) for fwhm, depth in pairs)


def _stream(seed: int, *key: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def _number_of(kind: str) -> int:
    """A number that stays a kind's own when others are added."""
    return zlib.crc32(kind.encode())
