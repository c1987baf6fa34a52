"""Another catalog's labels by position: from a file, and from a service."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from skerry.errors import CannotAnswerError
from skerry.examine.crossmatch.positional import catalog_labels
from tests.examine.crossmatch.placed import ARCSEC, field, write
from tests.survey.vo_server import Service, served


def test_a_file_and_both_kinds_of_service_say_the_same(tmp_path: Path) -> None:
    own = field(40, 6)
    others = np.vstack([own[:25] + 0.2 * ARCSEC, field(200, 7)])
    kinds = ["lens", "merger", ""] * 75
    path = write(tmp_path / "known.csv", others, type=kinds, name=[f"o{i}" for i in range(225)])
    members = np.arange(40, dtype=np.int64)
    found, missing = catalog_labels(str(path), own, members, (), 1.0, 0)
    assert not missing and [la.name for la in found.labellings] == ["in known.csv", "type"]
    present, kind = found.labellings
    assert found.matches == 25 and present.known.all() and present.flag
    assert present.presence and not kind.presence
    assert list(kind.values) == kinds[:25] + [""] * 15
    assert list(kind.known) == [bool(k) for k in kinds[:25]] + [False] * 15
    table = Table({"ra": others[:, 0], "dec": others[:, 1], "type": kinds})
    with served(Service(table)) as service:
        for address in (service.address, service.address + "#known.main"):
            asked, _ = catalog_labels(address, own, members, ("type",), 1.0, 0)
            np.testing.assert_array_equal(asked.row >= 0, found.row >= 0)
            assert list(asked.labellings[1].values) == list(kind.values)
            assert asked.expected == pytest.approx(found.expected)


def test_a_service_is_asked_for_members_and_a_part_of_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("skerry.examine.crossmatch.positional.ASKED", 10)
    own = field(60, 8)
    own[5] = np.nan
    with served(Service(Table({"ra": own[:, 0], "dec": own[:, 1]})[6:])) as service:
        members = np.array([3, 5, 7], dtype=np.int64)
        found, _ = catalog_labels(service.address, own, members, (), 1.0, 0)
        assert len(service.asked) == 12
    assert found.weight == found.labellings[0].weight == pytest.approx(57 / 10)
    assert found.asked.sum() == 12 and found.asked[[3, 7]].all() and not found.asked[5]
    assert not (found.row[~found.asked] >= 0).any()
    assert list(found.labellings[0].known) == list(found.asked)


def test_catalogs_and_sources_without_positions_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_text("name,type\na,b\n")
    members = np.arange(2, dtype=np.int64)
    with pytest.raises(CannotAnswerError, match="no columns ra and dec"):
        catalog_labels(str(path), field(5, 9), members, (), 1.0, 0)
    with pytest.raises(CannotAnswerError, match="sources have no positions"):
        catalog_labels(str(path), None, members, (), 1.0, 0)
    known = write(tmp_path / "known.csv", field(5, 9), type=["a"] * 5)
    assert catalog_labels(str(known), field(5, 9), members, ("kind",), 1.0, 0)[1] == ["kind"]


def test_rows_at_one_position_with_other_labels_are_noted_in_any_order(tmp_path: Path) -> None:
    own = field(5, 10)
    members = np.arange(5, dtype=np.int64)
    for order in (["ring", "lens"], ["lens", "ring"]):
        places = np.vstack([own[[0, 0, 1, 2]], field(4, 11)])
        path = write(tmp_path / "known.csv", places, type=[*order, "lens", "lens", *["a"] * 4])
        found, _ = catalog_labels(str(path), own, members, ("type",), 1.0, 0)
        assert list(found.labellings[1].values) == ["lens"] * 3 + [""] * 2
        assert "At 1 of the positions matched known.csv has rows with different" in found.notes[0]


def test_a_named_column_of_numbers_or_of_names_is_refused(tmp_path: Path) -> None:
    own = field(60, 12)
    columns = {"score": [str(0.1234567 + i) for i in range(60)], "name": [f"n{i}" for i in own],
               "flag": ["0", "1"] * 30}  # fmt: skip
    csv = write(tmp_path / "known.csv", own, **columns)
    table = Table.read(csv)
    table.write(tmp_path / "known.fits")
    for path in (csv, tmp_path / "known.fits"):
        with pytest.raises(CannotAnswerError, match="'score' holds numbers other than 0 and 1"):
            catalog_labels(str(path), own, np.arange(60), ("score",), 1.0, 0)
        with pytest.raises(CannotAnswerError, match="'name' has 60 different words"):
            catalog_labels(str(path), own, np.arange(60), ("name",), 1.0, 0)
        found, _ = catalog_labels(str(path), own, np.arange(60), ("flag",), 1.0, 0)
        assert list(found.labellings[1].values) == ["", "flag"] * 30
