"""Reviews as tables and files, and what a class is after them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io.votable import parse_single_table
from astropy.table import Table

from skerry.errors import ConfigError, InputError
from skerry.publish.formats import SUFFIXES
from skerry.review import (
    REVIEWS_SCHEMA,
    Action,
    ReviewLog,
    as_tables,
    corrected,
    export,
    open_reviews,
)
from skerry.store import nouns
from skerry.types import RareClass
from tests.conftest import contents


@pytest.fixture
def log(judged: Path, tmp_path: Path) -> ReviewLog:
    return open_reviews(Path(shutil.copytree(judged, tmp_path / "run")))


def classes(log: ReviewLog) -> tuple[RareClass, ...]:
    return nouns.read_classes(log.run / "classes" / "classes.json")


@pytest.fixture
def told(log: ReviewLog) -> ReviewLog:
    """Four classes reviewed in every way."""
    a, b, c, d = (rare.class_id for rare in classes(log)[:4])
    members = log.known.classes
    for action in (
        Action("name", a, text="größe\n7"),
        Action("endorse", a, text="clear"),
        Action("dismiss", a, members[a][0], text="a star"),
        Action("endorse", a, "s001"),
        Action("note", a, "s001", text="seen\nby eye"),
        Action("merge", a, others=(b,)),
        Action("name", c, text="to be undone"),
        Action("undo"),
        Action("split", d, parts=(("rings", members[d][:2]),)),
        Action("dismiss", b, "s002"),
    ):
        log.append(Action(**{**vars(action), "who": "Ada", "when": "2026-03-01T00:00:00Z"}))
    return log


def test_each_action_is_a_row(told: ReviewLog) -> None:
    table = as_tables(told.state(), told.run)["reviews"]
    assert table.schema.equals(REVIEWS_SCHEMA)
    rows = table.to_pylist()
    assert [r["number"] for r in rows] == list(range(1, 11))
    assert [r["number"] for r in rows if r["undone"]] == [7]
    assert rows[7]["undoes"] == 7 and all(r["in_run"] for r in rows)
    _, b, _, d = list(told.known.classes)[:4]
    assert json.loads(rows[5]["others"]) == [b]
    assert json.loads(rows[8]["parts"]) == {"rings": list(told.known.classes[d][:2])}
    assert all(field.metadata[b"description"] and field.metadata[b"ucd"] for field in table.schema)


def test_classes_and_members_say_what_was_reviewed(told: ReviewLog) -> None:
    tables = as_tables(told.state(), told.run)
    a, b, c, d = list(told.known.classes)[:4]
    by_class = {r["class_id"]: r for r in tables["classes"].to_pylist()}
    assert list(by_class) == list(told.known.classes)
    assert (by_class[a]["review"], by_class[a]["review_name"]) == ("endorsed", "größe 7")
    assert (by_class[a]["review_note"], by_class[a]["reviewed_by"]) == ("clear", "Ada")
    # what is merged takes the name of what it became
    assert (by_class[b]["review_class"], by_class[b]["review_name"]) == (a, "größe 7")
    assert (by_class[c]["review_class"], by_class[c]["review_name"]) == (c, "")
    members = tables["members"]
    plain = pq.read_table(told.run / "products" / "members.parquet")
    rows = members.to_pylist()
    assert members.select(plain.column_names).schema.equals(plain.schema)
    found = {(r["class_id"], r["id_str"]): r for r in rows}
    assert len(found) == len(rows) == len(plain) + 1
    star, outsider = found[a, told.known.classes[a][0]], found[a, "s001"]
    assert (star["review"], star["review_note"]) == ("dismissed", "a star")
    assert (outsider["review"], outsider["order"]) == ("endorsed", 0)
    assert outsider["probability"] is None and outsider["review_note"] == "seen\nby eye"
    # it stands behind the members of its class
    assert [r["id_str"] for r in rows if r["class_id"] == a][-1] == "s001"
    assert (b, "s002") not in found
    parts = [r["id_str"] for r in rows if r["review_part"] == "rings"]
    assert parts == list(told.known.classes[d][:2])
    assert {r["review_name"] for r in rows if r["class_id"] == d} == {"rings", ""}


def rows_of(log: ReviewLog, *actions: Action) -> list[dict[str, Any]]:
    for action in actions:
        log.append(Action(**{**vars(action), "who": "Ada", "when": "2026-03-01T00:00:00Z"}))
    return as_tables(log.state(), log.run)["members"].to_pylist()


def test_what_is_said_of_a_merged_class_holds_for_its_members(log: ReviewLog) -> None:
    c, d = list(log.known.classes)[:2]
    star, other = log.known.classes[c][:2]
    rows = rows_of(
        log,
        Action("note", c, star, text="bright"),
        Action("dismiss", c, other),
        Action("merge", d, others=(c,)),
        Action("dismiss", d, star, text="a star"),
        Action("endorse", d, other),
    )
    (found,) = (r for r in rows if r["id_str"] == star)
    assert (found["class_id"], found["review_class"], found["review"]) == (c, d, "dismissed")
    assert found["review_note"] == "bright\na star"
    # the later action counts, and one source is one row
    (found,) = (r for r in rows if r["id_str"] == other)
    assert (found["class_id"], found["review"]) == (c, "endorsed")


def test_a_source_endorsed_in_two_classes_that_became_one_is_one_row(log: ReviewLog) -> None:
    c, d = list(log.known.classes)[:2]
    actions = (Action("endorse", c, "s001"), Action("endorse", d, "s001"))
    rows = rows_of(log, *actions)
    assert {r["class_id"] for r in rows if r["id_str"] == "s001"} == {c, d}
    rows = rows_of(log, Action("merge", d, others=(c,)))
    assert [r["class_id"] for r in rows if r["id_str"] == "s001"] == [d]
    rows = rows_of(log, Action("dismiss", c, "s001"))
    assert not [r for r in rows if r["id_str"] == "s001"]


def test_positions_of_endorsed_sources_are_known(told: ReviewLog) -> None:
    path = told.run / "sources" / "sources.parquet"
    table = pq.read_table(path)
    at = table.column_names.index("ra")
    ra = pa.array([float(i) for i in range(len(table))])
    pq.write_table(table.set_column(at, table.schema.field("ra"), ra), path)
    rows = as_tables(told.state(), told.run)["members"].to_pylist()
    row = table["id_str"].to_pylist().index("s001")
    assert next(r["ra"] for r in rows if r["id_str"] == "s001") == row


def test_files_read_back_and_are_the_same_each_time(told: ReviewLog, tmp_path: Path) -> None:
    written = export(told.run, tmp_path / "out")
    assert sorted(p.name for p in written) == sorted(
        f"{n}.{s}" for n in ("reviews", "classes", "members") for s in SUFFIXES
    )
    before = contents(tmp_path / "out")
    export(told.run, tmp_path / "out")
    assert contents(tmp_path / "out") == before
    tables = as_tables(told.state(), told.run)
    for name, table in tables.items():
        assert pq.read_table(tmp_path / "out" / f"{name}.parquet").equals(table)
        fits = Table.read(tmp_path / "out" / f"{name}.fits")
        votable = parse_single_table(tmp_path / "out" / f"{name}.vot").to_table()
        assert fits.colnames == votable.colnames == table.column_names
        assert list(votable["review_name" if name != "reviews" else "text"]) == [
            v or "" for v in table["review_name" if name != "reviews" else "text"].to_pylist()
        ]
        for column in table.column_names:
            if pa.types.is_integer(table[column].type) or pa.types.is_boolean(table[column].type):
                assert fits[column].tolist() == table[column].to_pylist()
                assert votable[column].tolist() == table[column].to_pylist()
    members = Table.read(tmp_path / "out" / "members.fits")
    assert str(members["ra"].unit) == "deg"
    assert r"gr\xf6\xdfe 7" in list(members["review_name"].filled(""))
    assert members.meta["EXTNAME"] == "MEMBERS"


def test_files_are_not_written_into_the_run(told: ReviewLog, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="choose a folder outside"):
        export(told.run, told.run / "products")
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="is a file"):
        export(told.run, tmp_path / "file")


def test_nothing_reviewed_is_written_as_such(log: ReviewLog, tmp_path: Path) -> None:
    tables = as_tables(log.state(), log.run)
    assert len(tables["reviews"]) == 0
    assert set(tables["members"]["review"].to_pylist()) == {""}
    assert len(export(log.run, tmp_path / "out")) == 3 * len(SUFFIXES)


def test_a_class_as_reviewed(told: ReviewLog) -> None:
    a, b, *_ = list(told.known.classes)
    members = told.known.classes
    found = corrected(a, classes(told), told.state())
    assert found.members == (*members[a][1:], *members[b], "s001")
    assert found.dismissed == {members[a][0], "s002"}
    with pytest.raises(InputError, match=f"{b} is merged into {a}"):
        corrected(b, classes(told), told.state())


def test_a_class_of_which_nothing_is_left_is_an_error(log: ReviewLog) -> None:
    a = next(iter(log.known.classes))
    for member in log.known.classes[a][1:]:
        log.append(Action("dismiss", a, member))
    with pytest.raises(InputError, match="has 1 members after the reviews"):
        corrected(a, classes(log), log.state())
