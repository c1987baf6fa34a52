"""The settings of a simulated sky: a frozen dataclass, read from a preset or a user's TOML."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, get_type_hints

from skerry import config
from skerry.config import toml_key, toml_value
from skerry.errors import ConfigError
from skerry.represent.trees.tree import nearest

GALAXIES = (
    "low-mass-barred",
    "low-mass-unbarred",
    "one-armed",
    "merging-pair",
    "irregular-clumpy",
    "shredded",
    "ring",
    "boxy-edge-on",
    "tidal-tail",
    "arc",
)
ARTIFACTS = (
    "satellite-trail",
    "diffraction-spike",
    "bleed",
    "chip-edge",
    "missing-band",
    "bad-sky",
    "cosmic-ray",
)
KINDS = GALAXIES + ARTIFACTS
"""Rare kinds that can be planted: galaxies, and artifacts by their cause."""

SEA = "sea"
"""The kind of every other source: the continuous population."""

_DRAWN = (SEA, *KINDS)


def number_of_kind(kind: str) -> int:
    """The place of a kind that can be drawn: 0 for the sea, then in the order of `KINDS`.

    Raises
    ------
    ConfigError
        There is no such kind.
    """
    if kind not in _DRAWN:
        raise ConfigError(
            f"no kind {kind!r} can be drawn; did you mean {nearest(kind, _DRAWN)!r}? "
            f"Known: {', '.join(_DRAWN)}"
        )
    return _DRAWN.index(kind)


_PRESETS = resources.files("skerry.simulate") / "presets"


@dataclass(frozen=True)
class Band:
    """A filter: effective ``wavelength`` in nm, ``psf_fwhm`` in arcsec (median), ``depth`` as
    the AB magnitude of a point source at 5 sigma (median)."""

    name: str
    wavelength: float
    psf_fwhm: float
    depth: float


@dataclass(frozen=True)
class Sky:
    """What to draw.

    ``n`` sources from ``seed``; cutouts of ``size`` pixels as ``format`` ``jpeg`` or ``fits``.
    ``scaling`` is ``fixed``: at the camera's own ``pixel_scale`` (arcsec), or ``r90``: resampled
    so that a cutout is ``width`` times its galaxy's R90 wide. ``color`` names three bands to show
    as red, green and blue, or one, each times its ``balance``; ``black`` and ``stretch``
    (nanomaggies an arcsec2) and ``asinh_q`` are the minimum, the width and the softening of
    Lupton et al. 2004 (PASP 116, 133). ``kinds`` gives the share of the sources that each planted
    kind takes, ``visibility`` (0 to 1) the strength of what defines them.
    """

    n: int
    seed: int
    format: str
    size: int
    scaling: str
    width: float
    pixel_scale: float
    color: tuple[str, ...]
    balance: tuple[float, ...]
    black: float
    stretch: float
    asinh_q: float
    bands: tuple[Band, ...]
    kinds: tuple[tuple[str, float], ...] = ()
    visibility: float = 1.0

    def __post_init__(self) -> None:
        for band in self.bands:
            values = (band.wavelength, band.psf_fwhm, band.depth)
            if not all(0 < v < math.inf for v in values):
                raise ConfigError(
                    f"bands.{band.name} has wavelength {values[0]} nm, psf_fwhm {values[1]} arcsec "
                    f"and depth {values[2]} mag; expected three numbers above 0"
                )
        for kind, share in self.kinds:
            if kind not in KINDS:
                raise ConfigError(
                    f"no kind {kind!r} can be planted; did you mean {nearest(kind, KINDS)!r}? "
                    f"Known: {', '.join(KINDS)}"
                )
            if kind == "missing-band" and len(self.color) == 1:
                raise ConfigError(
                    "kinds.missing-band leaves no image where one band is shown; show three, or "
                    "leave the kind out"
                )
            if not 0 <= share < 1:
                raise ConfigError(f"kinds.{kind} is {share}; expected a share from 0 to below 1")
        for name, holds, expected in self._rules():
            if not holds:
                raise ConfigError(f"{name} is {getattr(self, name)!r}; expected {expected}")

    def _rules(self) -> list[tuple[str, bool, str]]:
        names = [band.name for band in self.bands]
        distinct = 0 < len(names) == len(set(names))
        return [
            ("n", self.n >= 1, "1 or more"),
            ("seed", self.seed >= 0, "0 or more"),
            ("format", self.format in ("jpeg", "fits"), "jpeg or fits"),
            ("size", 16 <= self.size <= 2048, "16 to 2048 pixels"),
            ("scaling", self.scaling in ("fixed", "r90"), "fixed or r90"),
            ("width", 1 <= self.width <= 20, "from 1 to 20 R90"),
            ("pixel_scale", 0.005 <= self.pixel_scale <= 5, "from 0.005 to 5 arcsec"),
            ("black", math.isfinite(self.black), "a finite number"),
            ("stretch", 0 < self.stretch < math.inf, "above 0"),
            ("asinh_q", 0 < self.asinh_q < math.inf, "above 0"),
            ("bands", distinct, "one or more, each named once"),
            (
                "color",
                len(self.color) in (1, 3) and set(self.color) <= set(names),
                f"one or three of the bands {', '.join(names)}",
            ),
            (
                "balance",
                len(self.balance) == len(self.color) and all(0 < b < 100 for b in self.balance),
                "a number above 0 for each band of color",
            ),
            ("kinds", sum(s for _, s in self.kinds) < 1, "shares that leave room for the sea"),
            ("visibility", 0 < self.visibility <= 1, "above 0, at most 1"),
        ]

    @property
    def prevalence(self) -> dict[str, float]:
        """The share that each planted kind takes."""
        return dict(self.kinds)


def presets() -> tuple[str, ...]:
    """Names of the skies that ship."""
    return tuple(sorted(Path(f.name).stem for f in _PRESETS.iterdir() if f.name.endswith(".toml")))


def sky_of(name_or_path: str = "sdss", **changes: Any) -> Sky:
    """A sky by the name of a preset or the path of a ``.toml`` file, with some settings changed.

    A file may name a ``preset`` to start from (``sdss`` where it does not); tables ``bands`` and
    ``kinds`` replace those of the preset as a whole.

    Raises
    ------
    ConfigError
        No such preset or file, or a setting that is unknown, of the wrong type or out of range.
    """
    if name_or_path in presets():
        return _sky(_preset(name_or_path), changes)
    if not name_or_path.endswith(".toml"):
        raise ConfigError(
            f"no sky {name_or_path!r}; did you mean {nearest(name_or_path, presets())!r}? "
            f"Known: {', '.join(presets())}; or give the path of a .toml file"
        )
    tables = dict(config.load(Path(name_or_path)))
    preset = tables.pop("preset", "sdss")
    if preset not in presets():
        raise ConfigError(f"preset is {preset!r}; expected one of {', '.join(presets())}")
    return _sky({**_preset(preset), **tables}, changes)


def to_toml(sky: Sky) -> str:
    """A sky as the text of a TOML file that :func:`sky_of` reads back equal."""
    lines = []
    for item in dataclasses.fields(Sky):
        if item.name in ("bands", "kinds", "color", "balance"):
            continue
        lines.append(f"{item.name} = {toml_value(getattr(sky, item.name))}")
    lines.append(f"color = [{', '.join(toml_value(name) for name in sky.color)}]")
    lines.append(f"balance = [{', '.join(str(b) for b in sky.balance)}]")
    for band in sky.bands:
        lines += ["", f"[bands.{toml_key(band.name)}]"]
        lines += [f"{key} = {getattr(band, key)}" for key in ("wavelength", "psf_fwhm", "depth")]
    lines += ["", "[kinds]"] + [f"{kind} = {share}" for kind, share in sky.kinds]
    return "\n".join(lines) + "\n"


def _preset(name: str) -> dict[str, Any]:
    with resources.as_file(_PRESETS / f"{name}.toml") as path:
        return dict(config.load(path))


def _sky(tables: Mapping[str, Any], changes: Mapping[str, Any]) -> Sky:
    merged = {**tables, **changes}
    types = get_type_hints(Sky)
    for key, value in merged.items():
        if key not in types:
            raise ConfigError(
                f"unknown setting {key!r}; did you mean {nearest(key, tuple(types))!r}? "
                f"Known: {', '.join(types)}"
            )
        if types[key] in (int, float, str):
            merged[key] = _typed(key, value, types[key])
    merged["bands"] = _bands(merged["bands"])
    merged["kinds"] = _kinds(merged.get("kinds", {}))
    merged["color"] = _list("color", merged["color"], str)
    merged["balance"] = _list("balance", merged["balance"], float)
    return Sky(**merged)


def _list(key: str, values: object, kind: type) -> tuple[Any, ...]:
    if not isinstance(values, (list, tuple)):
        raise ConfigError(f"{key} is {values!r}; expected a list of {kind.__name__}")
    return tuple(_typed(key, value, kind) for value in values)


def _typed(key: str, value: object, kind: type) -> Any:
    allowed = (int, float) if kind is float else (kind,)
    if isinstance(value, bool) or not isinstance(value, allowed):
        raise ConfigError(f"{key} is {value!r}; expected {kind.__name__}")
    return kind(value)


def _bands(tables: Any) -> tuple[Band, ...]:
    if isinstance(tables, tuple):
        return tables
    if not isinstance(tables, Mapping):
        raise ConfigError(f"bands is {tables!r}; expected a table for each, as [bands.g]")
    found = []
    for name, table in tables.items():
        keys = {"wavelength", "psf_fwhm", "depth"}
        if not isinstance(table, Mapping) or set(table) != keys:
            raise ConfigError(f"bands.{name} is {table!r}; expected {', '.join(sorted(keys))}")
        found.append(Band(name, **{k: _typed(f"bands.{name}.{k}", table[k], float) for k in keys}))
    return tuple(found)


def _kinds(table: Any) -> tuple[tuple[str, float], ...]:
    if not isinstance(table, Mapping):
        raise ConfigError(f"kinds is {table!r}; expected a table of shares, as ring = 0.003")
    return tuple((kind, _typed(f"kinds.{kind}", share, float)) for kind, share in table.items())
