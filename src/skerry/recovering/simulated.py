"""Simulated galaxies and artifacts of a kind, to be planted."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skerry.errors import ConfigError
from skerry.recovering.imagery import Eye, eye_for, field_note, runs_encoder
from skerry.recovering.opened import Opened
from skerry.recovering.planters import Plan, Planter
from skerry.represent.contract import GRAY, UNNAMED
from skerry.survey import Facts
from skerry.types import FloatArray

if TYPE_CHECKING:
    from skerry.simulate import Sky


_ZOO_SIDE, _ZOO_WIDTH = 424, 8.48
"""A cutout of Galaxy Zoo 2, pixels and R90: 0.02 R90 a pixel (Willett et al. 2013)."""


@dataclass(frozen=True)
class Simulated:
    """Plants simulated sources of a kind, drawn afresh for every realization.

    Visibility scales the strength of what defines the kind, as ``simulate.draw_cutouts`` says.
    Control sources are of the simulated sea.
    """

    kind: str
    sky: Sky
    eye: Eye
    notes: tuple[str, ...] = ()
    optimistic: str = ""

    @property
    def name(self) -> str:
        return f"simulated sources of the kind {self.kind}"

    @property
    def identity(self) -> dict[str, Any]:
        return {"planter": self.kind, "sky": dataclasses.asdict(self.sky), **self.eye.identity}

    def draw(self, n: int, visibility: float, seed: int) -> FloatArray:
        """As :class:`Planter` says."""
        return self._drawn(self.kind, n, visibility, seed)

    def control(self, n: int, seed: int) -> FloatArray:
        """As :class:`Planter` says."""
        from skerry.simulate import SEA

        return self._drawn(SEA, n, 1.0, seed)

    def _drawn(self, kind: str, n: int, visibility: float, seed: int) -> FloatArray:
        from skerry import simulate

        cutouts = simulate.draw_cutouts(kind, n, self.sky, seed=seed, visibility=visibility)
        named = (f"simulated {kind}, number {i} of seed {seed}" for i in range(n))
        return self.eye.vectors(
            self.eye.prepared(pixels, name) for name, pixels in zip(named, cutouts, strict=True)
        )


def of_kind(kind: str, sky: str | Sky = "sdss") -> Plan:
    """Plant simulated sources of a kind, one of ``simulate.KINDS``, under a sky.

    Parameters
    ----------
    sky : a preset, the path of a ``.toml`` file, or a sky

    Raises
    ------
    ConfigError
        There is no such kind or sky.
    """
    from skerry.simulate import KINDS, sky_of

    if kind not in KINDS:
        raise ConfigError(f"no kind {kind!r} can be planted; known: {', '.join(KINDS)}")
    drawn = sky_of(sky) if isinstance(sky, str) else sky

    def plan(opened: Opened) -> Planter:
        encoder = runs_encoder(opened, "simulated images")
        eye = eye_for(opened, encoder, _facts(drawn))
        fitted = _of_its_field(drawn, eye)
        told = () if fitted != drawn else field_note(eye, drawn.size, opened)
        return Simulated(kind, fitted, eye, (*told, *_bands_note(drawn, eye)))

    return plan


def _of_its_field(sky: Sky, eye: Eye) -> Sky:
    """The sky with cutouts as wide as the encoder's field, where both are told in radii: those of
    galaxy and of Galaxy Zoo's 424 px, and no other crop is set."""
    share = eye.contract.crop_of(_ZOO_SIDE)
    if sky.scaling != "r90" or eye.crop or share is None or eye.share(sky.size) < 1:
        return sky
    return dataclasses.replace(sky, width=round(share * _ZOO_WIDTH, 4))


def _facts(sky: Sky) -> Facts:
    """What decides the field of view that the encoder is shown of the sky's cutouts."""
    scale = sky.pixel_scale if sky.scaling == "fixed" else None
    return Facts(sky.size, len(sky.color) == 1, scale, (), "", "the simulated sky's settings")


def _bands_note(sky: Sky, eye: Eye) -> tuple[str, ...]:
    """A sentence where the encoder learned from other bands: the run's survey may have them too."""
    learned = eye.contract.bands
    if learned in (UNNAMED, GRAY, sky.color):
        return ()
    return (
        f"The simulated sources are shown in {', '.join(sky.color)}; the encoder learned from "
        f"{', '.join(learned)}. See that the run's images are in those of the simulated ones.",
    )
