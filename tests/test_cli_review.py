from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from skerry.review import open_reviews
from tests.test_cli import call


@pytest.fixture
def run(judged: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(judged, tmp_path / "run"))


def answer(*arguments: object) -> Any:
    code, out, _ = call(*arguments, "--json")
    assert code == 0, out
    return json.loads(out)


def test_every_action_can_be_written(run: Path, tmp_path: Path) -> None:
    known = open_reviews(run).known.classes
    a, b, c, d = list(known)[:4]
    (tmp_path / "rings.txt").write_text(f"{known[d][0]}\n\n {known[d][1]}\n")
    # as editors on Windows write it
    (tmp_path / "disks.txt").write_text(f"\ufeff{known[d][2]}\r\n", encoding="utf-8", newline="")
    for written in (
        ("name", a, "green peas"),
        ("endorse", a, "--note", "clear"),
        ("dismiss", a, known[a][0], "--by", "Ada"),
        ("note", a, "look again"),
        ("note", a, known[a][1], "odd"),
        ("note", "s001", "by itself"),
        ("merge", b, c),
        ("split", d, tmp_path / "rings.txt", "rings", tmp_path / "disks.txt", "big  disks"),
        ("undo",),
        ("undo", 1),
    ):
        found = answer("review", run, *written)
    assert (found["done"]["kind"], found["done"]["undoes"]) == ("undo", 1)
    found = answer("review", run)
    assert found["done"] is None and len(found["actions"]) == 10
    assert [a["number"] for a in found["actions"] if a["undone"]] == [1, 8]
    by_class = {one["class_id"]: one for one in found["classes"]}
    assert (by_class[a]["name"], by_class[a]["review"]) == ("", "endorsed")
    assert [note["text"] for note in by_class[a]["notes"]] == ["clear", "look again"]
    assert by_class[c]["merged_into"] == b and d not in by_class
    sources = {(one["class_id"], one["id_str"]): one for one in found["sources"]}
    assert sources[a, known[a][0]]["who"] == "Ada"
    assert sources["", "s001"]["notes"][0]["text"] == "by itself"
    answer("review", run, "undo", 9)
    parts = {o["class_id"]: o["parts"] for o in answer("review", run)["classes"]}
    assert parts[d] == {"rings": list(known[d][:2]), "big disks": [known[d][2]]}
    code, out, _ = call("review", run)
    assert code == 0
    for said in ("endorsed", f"merged into {b}", "Ada", "by itself", "rings"):
        assert said in out


def test_what_is_written_wrongly_is_told(run: Path, tmp_path: Path) -> None:
    a, b = list(open_reviews(run).known.classes)[:2]
    for written, said in (
        (("rename", a), "no action 'rename'; expected one of name, endorse"),
        (("name", a), "expected: name CLASS TEXT"),
        (("endorse",), r"expected: endorse CLASS [SOURCE]"),
        (("endorse", a, "s001", "s002"), r"expected: endorse CLASS [SOURCE]"),
        (("endorse", "SKR-9"), "no class 'SKR-9'"),
        (("note", a), "expected: note CLASS"),
        (("note", "nobody", "x"), "no class 'nobody'"),
        (("merge", a, a), "merged with itself"),
        (("split", a, tmp_path / "none.txt"), "expected: split CLASS FILE NAME"),
        (("split", a, tmp_path / "none.txt", "x"), "cannot be read"),
        (("undo", "first"), "expected: undo [NUMBER]"),
        (("undo", 0), "expected: undo [NUMBER]"),
        (("name", a, "x", "--note", "y"), "--note does not go with name"),
        (("--by", "Ada"), "go with an action"),
    ):
        code, _, err = call("review", run, *written)
        assert code == 1 and said in err, (written, err)
    code, out, _ = call("review", run, "endorse", b, "nobody", "--json")
    assert (code, json.loads(out)["error"]) == (1, "InputError")
    code, out, _ = call("review", run)
    assert code == 0 and "Nobody has reviewed this run" in out


def test_reviews_of_a_class_that_is_gone_are_shown(run: Path, tmp_path: Path) -> None:
    known = open_reviews(run).known.classes
    a, b = list(known)[:2]
    call("review", run, "name", a, "green peas")
    call("review", run, "dismiss", b, known[b][0])
    path = run / "classes" / "classes.json"
    path.write_text(
        json.dumps([r for r in json.loads(path.read_text()) if r["class_id"] not in (a, b)])
    )
    _, out, _ = call("review", run)
    assert out.count("of a class that is not in this run") == 2
    assert [one["in_run"] for one in answer("review", run)["classes"]] == [False]


def test_export_writes_and_says_where(run: Path, tmp_path: Path) -> None:
    found = answer("review", run, "--export", tmp_path / "out")
    assert len(found["written"]) == 12 and all(Path(p).is_file() for p in found["written"])
    code, _, err = call("review", run, "--export", run / "out")
    assert code == 1 and "choose a folder outside it" in err


def test_grow_as_reviewed(run: Path) -> None:
    known = open_reviews(run).known.classes
    a = next(iter(known))
    first = answer("grow", run, a)["candidates"][0]["id_str"]
    call("review", run, "dismiss", a, first)
    names = [r["id_str"] for r in answer("grow", run, a, "--reviewed")["candidates"]]
    assert first not in names and len(names) == 100
    assert answer("grow", run, a)["candidates"][0]["id_str"] == first


def test_similar_is_printed_and_written(run: Path, tmp_path: Path) -> None:
    found = answer("similar", run, "--id", "s000", "-n", 3, "-o", tmp_path / "t.csv")
    assert found["query"] == {"by": "id", "id_str": "s000"}
    assert [r["rank"] for r in found["similar"]] == [1, 2, 3]
    assert (tmp_path / "t.csv").read_text().splitlines()[0] == (
        '"rank","id_str","distance","nth","ra","dec","class_id"'
    )
    code, out, _ = call("similar", run, "--id", "s000")
    assert code == 0 and "Most like s000" in out
    for arguments, said in (
        ((), "give one of an id, an image and a position"),
        (("--id", "s000", "--image", "a.jpg"), "give one of"),
        (("--position", 10, -5), "look one up by its id"),
        (("--id", "s000", "--sheet", tmp_path / "a.png"), "--sheet"),
        (("--id", "s000", "--sheet", tmp_path / "a.jpg"), "no images to show"),
    ):
        code, _, err = call("similar", run, *arguments)
        assert code == 1 and said in err, err


def test_a_sheet_of_similar_images(finished: Path, tmp_path: Path) -> None:
    name = answer("status", finished)["classes"][0]["class_id"].removeprefix("SKR-")
    found = answer("similar", finished, "--id", name, "--sheet", tmp_path / "a.jpg", "-n", 5)
    assert len(found["similar"]) == 5 and (tmp_path / "a.jpg").read_bytes()[:2] == b"\xff\xd8"
