"""One source from its seed to its cutout: subject, field, camera, artifacts, display."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import numpy as np

from skerry.errors import ConfigError
from skerry.simulate.artifacts import damage, lay_over
from skerry.simulate.field import draw_field
from skerry.simulate.galaxy import Galaxy, draw
from skerry.simulate.kinds import Subject, draw_subject
from skerry.simulate.observe import Night, add_noise, camera_grid, expose, night_of, resample
from skerry.simulate.scene import Scene
from skerry.simulate.shredded import draw_parent, draw_places
from skerry.simulate.sky import ARTIFACTS, Sky, number_of_kind
from skerry.simulate.stars import relative_flux
from skerry.simulate.streams import draw_stream
from skerry.simulate.votes import Appearance
from skerry.types import ByteArray, DoubleArray, FloatArray

_THICKNESS = 0.19
"""Axis ratio of a disk seen edge-on, the middle of what the sea has."""


@dataclass(frozen=True)
class Drawn:
    """A source as observed, and the truth about it.

    ``image`` float32 (n_bands, size, size), nanomaggies an arcsec2, with noise; rows run north,
    columns west. ``pixel_scale`` in arcsec a pixel. ``galaxy`` is the main one, ``r50`` and
    ``r90`` (Petrosian, arcsec) and ``magnitudes`` (AB, one a band, all light before dust) are of
    the whole source; ``appearance`` is what volunteers could see.
    """

    image: FloatArray
    pixel_scale: float
    galaxy: Galaxy
    r50: float
    r90: float
    magnitudes: tuple[float, ...]
    appearance: Appearance


def draw_source(
    kind: str,
    rng: np.random.Generator,
    sky: Sky,
    night: Night,
    visibility: float = 1.0,
    fragment: int = 0,
) -> Drawn:
    """Draw a source of a kind: ``sea`` or one of `KINDS`.

    Parameters
    ----------
    rng : numpy.random.Generator
        Fresh from its seed. The same seed draws the same source at any visibility, and the same
        galaxy and sky for every fragment.
    night : Night
        PSF and depth in each band.
    visibility : float
        Strength of what defines the kind, 0 to 1.
    fragment : int
        Which of the sources that a ``shredded`` galaxy is recorded as.

    Raises
    ------
    ConfigError
        No such kind or fragment, or a visibility out of range.
    """
    number_of_kind(kind)
    if not 0 <= visibility <= 1:
        raise ConfigError(f"visibility is {visibility}; expected 0 to 1")
    streams = rng.spawn(5)
    subject = _subject(kind, streams[0], visibility)
    place, margin, size = (0.0, 0.0), 0.0, subject.extent
    if kind == "shredded":
        exact, size = draw_places(subject.galaxy, streams[0])
        places = _on_pixels(exact, sky)
        if not 0 <= fragment < len(places):
            raise ConfigError(f"fragment is {fragment}; this galaxy has {len(places)}")
        place = float(places[fragment, 0]), float(places[fragment, 1])
        margin = float(np.abs(places).max())
    r90 = size * subject.galaxy.radius(0.9)
    width = sky.width * r90 if sky.scaling == "r90" else sky.size * sky.pixel_scale
    grid, finer = camera_grid(sky, width + 2 * margin)
    scene = Scene.empty(grid)
    _draw_subject(subject, scene, streams[1])
    magnitudes = _magnitudes(scene, sky, subject.galaxy.redshift, size if margin else 1.0)
    draw_field(scene, streams[2])
    image = expose(scene, sky, night, finer, subject.galaxy.redshift)
    image = lay_over(kind, image, sky, night, streams[4], visibility)
    image = add_noise(image, sky, night, streams[3])
    image = damage(kind, image, sky, night, streams[4], visibility)
    image = _window(image, place, width, sky)
    published = resample(image, sky.size)
    return Drawn(
        image=published,
        pixel_scale=image.shape[-1] * sky.pixel_scale / sky.size,
        galaxy=subject.galaxy,
        r50=size * subject.galaxy.radius(0.5),
        r90=r90,
        magnitudes=magnitudes,
        appearance=_appearance(kind, subject, r90 / min(night.psf_fwhm), visibility),
    )


def fragments(rng: np.random.Generator, sky: Sky) -> DoubleArray:
    """Where the sources lie that one shredded galaxy is recorded as.

    Float64 (m, 2), arcsec along columns (west) and rows (north) from the galaxy's center, whole
    pixels of the camera. ``rng`` is fresh from the seed that :func:`draw_source` is given.
    """
    own = rng.spawn(5)[0]
    return _on_pixels(draw_places(draw_parent(own, 1.0), own)[0], sky)


def draw_cutouts(
    kind: str, n: int, sky: Sky, *, seed: int, visibility: float = 1.0
) -> Iterator[ByteArray]:
    """Draw ``n`` cutouts of a kind on the survey's median night, as they are shown.

    Each uint8 (size, size, 3), RGB. The first of them do not depend on ``n``, nor the sources on
    ``visibility``: that scales what defines the kind. Shredded galaxies come fragment by fragment.

    Raises
    ------
    ConfigError
        As :func:`draw_source`.
    """
    night, drawn = night_of(sky), 0
    for number in count():
        own = [seed, number_of_kind(kind), number]
        parts = 1
        if kind == "shredded":
            parts = len(fragments(np.random.default_rng(own), sky))
        for fragment in range(min(parts, n - drawn)):
            source = draw_source(kind, np.random.default_rng(own), sky, night, visibility, fragment)
            yield show(source.image, sky)
            drawn += 1
        if drawn == n:
            return


def show(image: FloatArray, sky: Sky) -> ByteArray:
    """An image (n_bands, side, side) as it is published: uint8 (side, side, 3), RGB, north up.

    The color-preserving stretch of Lupton et al. 2004 (PASP 116, 133), by astropy, of the bands
    that ``sky.color`` names, each times its ``balance``; one band is shown gray.
    """
    from astropy.visualization import make_lupton_rgb

    names = [band.name for band in sky.bands]
    planes = [
        image[names.index(name), ::-1] * np.float32(balance)
        for name, balance in zip(sky.color, sky.balance, strict=True)
    ]
    red, green, blue = planes if len(planes) == 3 else planes * 3
    with np.errstate(invalid="ignore", divide="ignore"):  # where all bands are black
        shown: ByteArray = make_lupton_rgb(
            red, green, blue, minimum=sky.black, stretch=sky.stretch, Q=sky.asinh_q
        )
    return shown


def _subject(kind: str, rng: np.random.Generator, visibility: float) -> Subject:
    if kind == "shredded":
        return Subject(draw_parent(rng, visibility))
    return draw_subject(kind, rng, visibility)


def _draw_subject(subject: Subject, scene: Scene, rng: np.random.Generator) -> None:
    for galaxy in (subject.galaxy, *subject.others):
        draw(galaxy, scene, rng)
    for stream in subject.streams:
        draw_stream(stream, scene)


def _magnitudes(scene: Scene, sky: Sky, redshift: float, size: float) -> tuple[float, ...]:
    """Of all light of the scene; of a fragment its share by area."""
    stars = scene.maps.sum(axis=(1, 2), dtype=np.float64)
    stars += np.sum([(old, young) for _, old, young in scene.profiles], axis=0)
    flux = size**2 * stars @ relative_flux(sky.bands, redshift)
    return tuple(float(m) for m in 22.5 - 2.5 * np.log10(flux))


def _on_pixels(places: DoubleArray, sky: Sky) -> DoubleArray:
    """Moved to whole pixels of the camera, for the fragments' cutouts to show the same pixels."""
    moved: DoubleArray = np.rint(places / sky.pixel_scale) * sky.pixel_scale
    return moved


def _window(image: FloatArray, place: tuple[float, float], width: float, sky: Sky) -> FloatArray:
    """The part of an exposure around a place, ``width`` arcsec wide."""
    side = max(8, round(width / sky.pixel_scale))
    if side >= image.shape[-1]:
        return image
    column, row = (round(at / sky.pixel_scale) + (image.shape[-1] - side) // 2 for at in place)
    return image[:, row : row + side, column : column + side]


def _appearance(kind: str, subject: Subject, resolution: float, visibility: float) -> Appearance:
    galaxy = subject.galaxy
    q = max(galaxy.axis_ratio, _THICKNESS)
    cosine = np.sqrt((q**2 - _THICKNESS**2) / (1 - _THICKNESS**2))
    return Appearance(
        late=galaxy.late,
        bulge_fraction=galaxy.bulge_fraction,
        axis_ratio=galaxy.axis_ratio,
        arm_strength=min(galaxy.arm_strength, 1.25),
        arms=galaxy.arms,
        pitch=galaxy.pitch,
        bar=min(galaxy.bar, 1.0),
        boxy=galaxy.boxy,
        edge_on=float(1 - cosine),
        clumps=min(galaxy.clumps, 1.2),
        merger=subject.merger,
        artifact=visibility if kind in ARTIFACTS else 0.0,
        resolution=resolution,
    )
