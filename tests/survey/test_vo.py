"""Rows around positions from services on this machine that speak the Virtual Observatory's
protocols, and what is said when they fail."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table

from skerry.errors import InputError
from skerry.survey.vo import is_address, rows_around
from tests.survey.vo_server import Service, served

N = 60
RNG = np.random.default_rng(0)
ROWS = Table(
    {
        "name": [f"object {i}" for i in range(N)],
        "ra": (359.99 + 0.02 * RNG.random(N)) % 360,
        "dec": 60 + 0.01 * RNG.random(N),
        "type": ["lens", "", "merger"] * (N // 3),
        "grade": np.arange(N),
    }
)
ASKED = np.stack([ROWS["ra"][:12], ROWS["dec"][:12]], axis=1).astype(np.float64)
RADIUS = 5.0


def inside() -> set[str]:
    """Which rows lie within the radius of any position, by astropy."""
    rows = SkyCoord(ROWS["ra"], ROWS["dec"], unit="deg")
    asked = SkyCoord(*ASKED.T, unit="deg")
    apart = rows[:, None].separation(asked[None]).arcsec
    return {str(name) for name in ROWS["name"][(apart <= RADIUS).any(axis=1)]}


@pytest.mark.parametrize("path", ["/scs?", "/tap#catalog.main"])
@pytest.mark.parametrize("ucds", [True, False])
def test_every_row_within_the_radius_comes_once(path: str, ucds: bool) -> None:
    with served(Service(ROWS, ucds=ucds)) as service:
        places, rows = rows_around(service.address + path, ASKED, RADIUS)
    names = rows["name"].to_pylist()
    assert len(names) == len(set(names))
    assert set(names) == inside()
    at = {name: i for i, name in enumerate(ROWS["name"])}
    expected = np.array([[ROWS[c][at[name]] for c in ("ra", "dec")] for name in names])
    np.testing.assert_allclose(places, expected, rtol=0, atol=1e-9)
    assert rows["type"].to_pylist() == [str(ROWS["type"][at[n]]) for n in names]
    assert rows["grade"].to_pylist() == [str(ROWS["grade"][at[n]]) for n in names]


def test_the_order_depends_on_content_alone() -> None:
    with served(Service(ROWS)) as service:
        first = rows_around(service.address, ASKED, RADIUS)
    with served(Service(ROWS[::-1])) as service:
        second = rows_around(service.address + "#any", ASKED[::-1], RADIUS)
    assert first[1].equals(second[1])
    np.testing.assert_array_equal(first[0], second[0])


def test_a_tap_service_is_asked_once_for_all_and_a_cone_search_once_each() -> None:
    with served(Service(ROWS)) as service:
        rows_around(service.address + "#catalog.main", ASKED, RADIUS)
        queries = [asked["QUERY"] for asked in service.asked]
        assert len(queries) == 2 and "catalog.main" in queries[1] and "TAP_UPLOAD" in queries[1]
        service.asked.clear()
        rows_around(service.address, ASKED, RADIUS)
        assert len(service.asked) == len(ASKED)
        assert float(service.asked[0]["SR"]) == pytest.approx(RADIUS / 3600)


def test_nothing_found_is_no_error() -> None:
    with served(Service(ROWS)) as service:
        places, rows = rows_around(service.address, np.array([[10.0, -60.0]]), RADIUS)
    assert places.shape == (0, 2) and rows.num_rows == 0


@pytest.mark.parametrize("path", ["", "#catalog.main"])
@pytest.mark.parametrize(
    ("fails", "said"),
    [
        ("error", "the table is closed"),
        ("status", "503"),
        ("garbage", "cannot be used"),
        ("slow", "did not answer .* within 0.3 s"),
    ],
)
def test_what_a_service_fails_with_is_said(path: str, fails: str, said: str) -> None:
    with served(Service(ROWS, fails)) as service, pytest.raises(InputError, match=said) as caught:
        rows_around(service.address + path, ASKED, RADIUS, timeout=0.3)
    assert service.address in str(caught.value)


def test_a_part_of_the_rows_is_refused() -> None:
    with (
        served(Service(ROWS, "overflow")) as service,
        pytest.raises(InputError, match="only a part of what matches"),
    ):
        rows_around(service.address + "#catalog.main", ASKED, RADIUS)


def test_a_service_that_is_not_there_is_named() -> None:
    with served(Service(ROWS)) as service:
        address = service.address
    with pytest.raises(InputError, match=address):
        rows_around(address, ASKED, RADIUS, timeout=1)


def test_a_table_without_positions_is_refused() -> None:
    rows = ROWS.copy()
    rows.rename_columns(["ra", "dec"], ["x", "y"])
    blind = Service(rows, ucds=False)
    blind.around = lambda *at: np.ones(len(rows), bool)  # type: ignore[method-assign]
    with served(blind) as service, pytest.raises(InputError, match="gives no column ra"):
        rows_around(service.address, ASKED, RADIUS)


def test_a_tap_address_needs_its_table() -> None:
    with pytest.raises(InputError, match="names no table"):
        rows_around("http://127.0.0.1:1/tap#", ASKED, RADIUS)


def test_addresses_are_told_from_files(tmp_path: Path) -> None:
    assert is_address("https://x.org/scs") and is_address("HTTP://x")
    assert not is_address(str(tmp_path / "http.csv"))
