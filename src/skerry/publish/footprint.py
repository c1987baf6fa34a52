"""The survey's footprint as a Multi-Order Coverage map (MOC, IVOA), from where its sources are."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from skerry.publish.findings import Findings
from skerry.store import write_bytes
from skerry.types import DoubleArray

NAME = "footprint.moc"

FEWEST = 100
"""Different positions below which a footprint is not told from gaps between sources."""

_IN_CELL = 3.0
_FINEST = 18
"""Order of the smallest cells tried: 0.8 arcsec."""


def coverage(ra: npt.ArrayLike, dec: npt.ArrayLike) -> Any | None:
    """The HEALPix cells (Gorski et al. 2005, ApJ 622, 759) that hold a source, as a MOC.

    The order is the finest at which cells that hold any of the different positions hold 3 of
    them on average: finer cells would show the gaps between sources as holes, coarser ones
    reach farther beyond the edge. An order is a step of four in area, so that the mean is
    between 3 and about 12. Of sources strewn at random at 3 a cell, 5% of covered cells are
    empty: such holes are no gaps of the survey.

    Parameters
    ----------
    ra, dec : deg, ICRS; NaN where not known, and then left out

    Returns
    -------
    mocpy.MOC or None
        None where fewer than 100 different positions are known.
    """
    from astropy.coordinates import Latitude, Longitude
    from mocpy import MOC

    known = _different(ra, dec)
    if len(known) < FEWEST:
        return None
    lon, lat = Longitude(known[:, 0], unit="deg"), Latitude(known[:, 1], unit="deg")
    found = MOC.from_lonlat(lon, lat, max_norder=_FINEST)
    for order in range(_FINEST, 0, -1):
        cells = round(found.sky_fraction * 12 * 4**order)
        if len(known) >= _IN_CELL * cells:
            break
        found = found.degrade_to_order(order - 1)
    return found


def _different(ra: npt.ArrayLike, dec: npt.ArrayLike) -> DoubleArray:
    """The different positions that are known (n, 2), in degrees, ascending."""
    both = np.column_stack([np.asarray(ra, np.float64) % 360, np.asarray(dec, np.float64)])
    return np.unique(both[np.isfinite(both).all(axis=1)], axis=0)


def positions_of(findings: Findings) -> tuple[DoubleArray, DoubleArray]:
    """``ra`` and ``dec`` (deg) of all of the input's sources, NaN where not known."""
    sources = findings.sources
    if not {"ra", "dec"} <= set(sources.column_names):
        nowhere = np.full(len(sources), np.nan)
        return nowhere, nowhere
    ra, dec = (np.asarray(sources[c].to_numpy(), dtype=np.float64) for c in ("ra", "dec"))
    return ra, dec


def has_footprint(findings: Findings) -> bool:
    """Whether enough positions are known for a footprint."""
    return len(_different(*positions_of(findings))) >= FEWEST


def moc_files(found: Any) -> dict[str, bytes]:
    """A MOC's bytes by file name: FITS, in the ordering that readers of MOC 1 and 2 both take,
    and JSON (order to cells). Free of dates."""
    buffer = io.BytesIO()
    # the third argument, which had another name before mocpy 0.21: for readers of MOC 1
    hdus = found.serialize("fits", None, True)
    for hdu in hdus:
        hdu.header.remove("DATE", ignore_missing=True)
    hdus.writeto(buffer)
    cells = json.dumps(found.serialize("json"), separators=(",", ":"))
    return {f"{NAME}.fits": buffer.getvalue(), f"{NAME}.json": f"{cells}\n".encode()}


def write_footprint(findings: Findings, folder: Path) -> list[Path]:
    """Write the footprint of all of the input's sources, read or not; none where it is not known.

    Raises
    ------
    DiskError
        The folder cannot be written.
    """
    found = coverage(*positions_of(findings))
    if found is None:
        return []
    written = []
    for name, data in moc_files(found).items():
        write_bytes(folder / name, data)
        written.append(folder / name)
    return written
