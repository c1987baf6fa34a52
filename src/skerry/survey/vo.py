"""Rows of a catalog around positions, from a service of the Virtual Observatory, through pyvo."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from skerry.errors import InputError
from skerry.survey.columns import choose, listed
from skerry.types import DoubleArray

TIMEOUT = 60.0
"""Seconds that a service may leave a request unanswered."""

UPLOADED = 2000
"""Positions in one request to a TAP service."""

_UCDS = {
    "ra": ("pos_eq_ra_main", "pos.eq.ra;meta.main"),
    "dec": ("pos_eq_dec_main", "pos.eq.dec;meta.main"),
}
"""What services say of the columns that hold positions, in small letters."""


def is_address(text: str) -> bool:
    """Whether a setting names a service rather than a file."""
    return text.lower().startswith(("http://", "https://"))


def rows_around(
    address: str, positions: DoubleArray, radius: float, timeout: float = TIMEOUT
) -> tuple[DoubleArray, pa.Table]:
    """All rows of a service's catalog within ``radius`` of any position, each once.

    An address that ends in ``#schema.table`` is a TAP service (Dowler et al. 2019, IVOA REC TAP
    1.1) that is asked for that table by upload of the positions, ``UPLOADED`` at a time; any
    other is a Simple Cone Search (Plante et al. 2008, IVOA REC 1.03), asked once a position.

    Parameters
    ----------
    positions : float64 (n, 2), ra and dec in degrees (ICRS), finite
    radius : arcsec
    timeout : seconds without an answer after which a request has failed

    Returns
    -------
    found : float64 (m, 2), ra and dec of the rows, degrees
    rows : the table (m, its columns), in an order that depends on its content alone

    Raises
    ------
    InputError
        The service cannot be reached, gives an error, does not answer in time, gives only a part
        of what matches, or a table without positions.
    """
    url, sharp, table = address.partition("#")
    ask = _tap(url, table, timeout) if sharp else _cones(url, timeout)
    parts = list(ask(positions, radius / 3600))
    if not parts:
        return np.empty((0, 2)), pa.table({})
    names = parts[0][1].column_names
    if any(part.column_names != names for _, part in parts):
        raise InputError(f"{url} gives other columns at other positions; give a file instead")
    rows = pa.concat_tables([part for _, part in parts])
    return _each_once(np.concatenate([place for place, _ in parts]), rows)


def _each_once(found: DoubleArray, rows: pa.Table) -> tuple[DoubleArray, pa.Table]:
    columns = [column.to_pylist() for column in rows.columns]
    keys = [
        (*place, *map(str, row))
        for place, row in zip(found.tolist(), zip(*columns, strict=True), strict=True)
    ]
    first: dict[tuple[object, ...], int] = {}
    for i, key in enumerate(keys):
        first.setdefault(key, i)
    kept = [first[key] for key in sorted(first)]
    return found[kept].reshape(-1, 2), rows.take(pa.array(kept, pa.int64()))


_Part = tuple[DoubleArray, pa.Table]
_Ask = Callable[[DoubleArray, float], Iterator[_Part]]


def _cones(url: str, timeout: float) -> _Ask:
    def ask(positions: DoubleArray, radius: float) -> Iterator[_Part]:
        from pyvo.dal import SCSService
        from pyvo.dal.exceptions import DALFormatError

        service = SCSService(url, session=_session(timeout))
        for i, (ra, dec) in enumerate(positions.tolist()):
            with _plainly(url, f"request {i + 1} of {len(positions)}", timeout):
                try:
                    found = service.search(pos=(ra, dec), radius=radius)
                except DALFormatError as error:
                    # some services give no table where they have no row
                    if "missing results table" in str(error):
                        continue
                    raise
            yield _part(found, url)

    return ask


def _tap(url: str, table: str, timeout: float) -> _Ask:
    def ask(positions: DoubleArray, radius: float) -> Iterator[_Part]:
        from astropy.table import Table
        from pyvo.dal import TAPService

        if not table:
            raise InputError(f"{url}# names no table; write it behind the #, as {url}#schema.table")
        service = TAPService(url, session=_session(timeout))
        with _plainly(url, f"a look at {table}", timeout, part=True):
            first = service.search(f"SELECT TOP 1 * FROM {table}", maxrec=1)
        ra, dec = _position_columns(first, url)
        circle = f"CIRCLE('ICRS', u.at_ra, u.at_dec, {radius:.10f})"
        query = (
            f"SELECT c.* FROM {table} AS c JOIN TAP_UPLOAD.sources AS u ON 1 = CONTAINS("
            f'POINT(\'ICRS\', c."{ra}", c."{dec}"), {circle})'
        )
        for start in range(0, len(positions), UPLOADED):
            asked = Table(positions[start : start + UPLOADED], names=["at_ra", "at_dec"])
            with _plainly(url, f"the query {query!r}", timeout):
                found = service.search(query, uploads={"sources": asked})
            yield _part(found, url)

    return ask


def _session(timeout: float) -> Any:
    """A session of requests whose every request ends after a time without an answer."""
    from pyvo.utils.http import create_session

    session = create_session()
    session.request = partial(session.request, timeout=timeout)
    return session


@contextmanager
def _plainly(url: str, what: str, timeout: float, part: bool = False) -> Iterator[None]:
    """What goes wrong with a service, said as an InputError; ``part``: a part is all that is
    asked for."""
    import requests
    from pyvo.dal.exceptions import DALAccessError, DALOverflowWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not part:
            warnings.simplefilter("error", DALOverflowWarning)
        try:
            yield
        except DALOverflowWarning as error:
            raise InputError(
                f"{url} gave only a part of what matches {what}; give a smaller radius or a file"
            ) from error
        except (DALAccessError, requests.RequestException, OSError) as error:
            said = " ".join(str(error).split())[:300]
            if "timed out" in said.lower():
                raise InputError(
                    f"{url} did not answer {what} within {timeout:g} s; try again later, or give "
                    "a file"
                ) from error
            raise InputError(
                f"{url} cannot be used: {what} gave {said or type(error).__name__}; look at the "
                "address, try again later, or give a file"
            ) from error


def _part(found: Any, url: str) -> _Part:
    ra, dec = _position_columns(found, url)
    table = found.resultstable.to_table(use_names_over_ids=True)
    held = (np.ma.asarray(table[c], np.float64) for c in (ra, dec))
    places = np.stack([np.ma.filled(values, np.nan) for values in held])
    known = np.isfinite(places).all(axis=0)
    columns = {
        name: pa.array([_text(value) for value in table[name][known]], pa.string())
        for name in table.colnames
    }
    return places.T[known].reshape(-1, 2), pa.table(columns)


def _text(value: Any) -> str | None:
    if value is np.ma.masked:
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return f"{value:.17g}" if isinstance(value, float) else str(value)


def _position_columns(found: Any, url: str) -> tuple[str, str]:
    """The columns of ra and dec: by what the service says of them, else by their usual names."""
    names = list(found.fieldnames)
    chosen = []
    for role, ucds in _UCDS.items():
        told = [f.name for f in found.fielddescs if (f.ucd or "").lower() in ucds]
        column = told[0] if told else choose(role, names, "", url).column
        if column is None:
            raise InputError(f"{url} gives no column {role}; its columns: {listed(names)}")
        chosen.append(column)
    return chosen[0], chosen[1]
