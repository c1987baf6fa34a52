"""The log on the disk: what is refused, what survives a crash, two at once."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from skerry import open as open_run
from skerry import pipeline
from skerry.config import Config, from_mapping
from skerry.errors import InputError, RunError
from skerry.review import Action, ReviewLog, open_reviews
from skerry.store import reviews as stored
from tests.conftest import contents


def clock() -> Callable[[], datetime]:
    """A minute later at each look."""
    times = iter(range(1000))
    return lambda: datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=next(times))


@pytest.fixture
def run(judged: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(judged, tmp_path / "run"))


@pytest.fixture
def log(run: Path) -> ReviewLog:
    return open_reviews(run, clock())


def ids(log: ReviewLog) -> list[str]:
    return list(log.known.classes)


def lines(run: Path) -> list[str]:
    return stored.path_of(run).read_text().splitlines()


def test_an_action_is_a_line_with_who_and_when(run: Path, log: ReviewLog) -> None:
    first = ids(log)[0]
    assert not log.actions() and not stored.path_of(run).exists()
    done = log.append(Action("name", first, text="  green \n peas ", who="Ada"))
    assert (done.number, done.text) == (1, "green peas")
    log.append(Action("undo"))
    [one, two] = [json.loads(line) for line in lines(run)]
    assert one == {
        "number": 1, "kind": "name", "class_id": first, "text": "green peas", "who": "Ada",
        "when": "2026-03-01T00:00:00Z",
    }  # fmt: skip
    assert (two["kind"], two["undoes"], two["when"]) == ("undo", 1, "2026-03-01T00:01:00Z")
    assert two["who"]
    assert open_reviews(run).state() == log.state() and not log.state().classes


def test_nothing_else_of_the_run_changes_and_a_rerun_keeps_it(
    judged: Path, planted_table: Path, planted_config: Config, run: Path, log: ReviewLog
) -> None:
    log.append(Action("endorse", ids(log)[0], text="ja, schön"))
    logged = stored.path_of(run).read_bytes()
    mine = {k: v for k, v in contents(run).items() if not k.startswith("reviews/")}
    assert mine == contents(judged)
    assert len(pipeline.run(planted_table, run, planted_config)["skipped"]) == len(pipeline.STAGES)
    other = from_mapping({"classes": {"exemplars": 3}}, planted_config)
    assert "classes" not in pipeline.run(planted_table, run, other)["skipped"]
    assert stored.path_of(run).read_bytes() == logged


@pytest.fixture(scope="module")
def unreviewed(judged: Path, tmp_path_factory: pytest.TempPathFactory) -> ReviewLog:
    return open_reviews(Path(shutil.copytree(judged, tmp_path_factory.mktemp("un") / "run")))


REFUSED = [
    (lambda a, b, m: Action("name", "SKR-9", text="x"), r"no class 'SKR-9'; its classes: SKR-"),
    (lambda a, b, m: Action("name", a, text=" \n"), "is empty"),
    (lambda a, b, m: Action("name", a, m, text="x"), "is of whole classes"),
    (lambda a, b, m: Action("note", a), "is empty"),
    (lambda a, b, m: Action("note", text="x"), "needs a class or a source"),
    (lambda a, b, m: Action("endorse"), "no class is named"),
    (lambda a, b, m: Action("endorse", a, "nobody"), r"no source 'nobody'; it has 1,?200, as s000"),
    (lambda a, b, m: Action("endorse", a, others=(b,)), "only merge takes others"),
    (lambda a, b, m: Action("merge", a), "nothing to merge"),
    (lambda a, b, m: Action("merge", a, others=(a,)), "merged with itself"),
    (lambda a, b, m: Action("merge", a, others=(b, b)), "named twice"),
    (lambda a, b, m: Action("merge", a, others=("SKR-9",)), "no class 'SKR-9'"),
    (lambda a, b, m: Action("split", a), "no part"),
    (lambda a, b, m: Action("split", a, parts=(("x", ()),)), "has no members"),
    (lambda a, b, m: Action("split", a, parts=((" ", (m,)),)), "is empty"),
    (lambda a, b, m: Action("split", a, parts=(("x", (m, "s000")),)), "1 of the 2 ids .* no memb"),
    (lambda a, b, m: Action("split", a, parts=(("x", (m, m)),)), "list each id once"),
    (lambda a, b, m: Action("undo"), "nothing to undo"),
    (lambda a, b, m: Action("undo", undoes=7), "no action has the number 7; there are none"),
    (lambda a, b, m: Action("name", a, text="x", when="today"), "expected UTC"),
    (lambda a, b, m: Action("name", a, text="x", who=" "), "give a name"),
    (lambda a, b, m: Action("note", a, text="\udc80"), "write it in UTF-8"),
    (lambda a, b, m: Action("note", a, text="x" * 10_001), "more than 10,000"),
    (lambda a, b, m: Action("note", a, text=5), "5 is no text"),  # type: ignore
    (lambda a, b, m: Action("rename", a, text="x"), "no action 'rename'"),  # type: ignore
]


@pytest.mark.parametrize(("make", "said"), REFUSED, ids=lambda v: v if isinstance(v, str) else "")
def test_what_cannot_be_is_refused_with_what_to_do(
    unreviewed: ReviewLog, make: Callable[[str, str, str], Action], said: str
) -> None:
    log = unreviewed
    a, b, *_ = ids(log)
    with pytest.raises(InputError, match=said):
        log.append(make(a, b, log.known.classes[a][0]))
    assert not log.actions()


def test_a_merged_class_is_reviewed_under_the_one_it_became(log: ReviewLog) -> None:
    a, b, c, *_ = ids(log)
    log.append(Action("merge", a, others=(b,)))
    for action in (Action("merge", c, others=(b,)), Action("merge", b, others=(c,)),
                   Action("merge", b, others=(a,))):  # fmt: skip
        with pytest.raises(InputError, match=f"{b} is merged into {a}; .*undo number 1 first"):
            log.append(action)
    for kind in ("endorse", "dismiss", "name", "note"):
        with pytest.raises(InputError, match=f"{b} is merged into {a}"):
            log.append(Action(kind, b, text="words"))
    # nor by taking back that it was taken back
    log.append(Action("undo"))
    log.append(Action("endorse", b))
    log.append(Action("undo"))
    log.append(Action("merge", a, others=(b,)))
    with pytest.raises(InputError, match=f"{b} is merged into {a}"):
        log.append(Action("undo", undoes=4))
    # once it is taken back, the other way round can be, and then not both
    log.append(Action("undo"))
    log.append(Action("merge", b, others=(a,)))
    with pytest.raises(InputError, match="is merged into"):
        log.append(Action("undo", undoes=2))
    assert log.state().whole(b) == (b, a)


def test_a_class_is_split_part_by_part(log: ReviewLog) -> None:
    a = ids(log)[0]
    members = log.known.classes[a]
    log.append(Action("split", a, parts=(("rings", members[:2]),)))
    with pytest.raises(InputError, match="has a part 'rings' already"):
        log.append(Action("split", a, parts=(("rings", members[2:3]),)))
    with pytest.raises(InputError, match=f"{members[1]} is in the part 'rings'"):
        log.append(Action("split", a, parts=(("disks", members[1:3]),)))
    # an endorsed source can be in a part as well
    log.append(Action("endorse", a, "s000"))
    log.append(Action("split", a, parts=(("disks", (members[3], "s000")),)))
    assert dict(log.state().of_class(a).parts) == {
        "rings": members[:2], "disks": (members[3], "s000"),
    }  # fmt: skip


def test_undo_by_number_and_its_undo(log: ReviewLog) -> None:
    a = ids(log)[0]
    log.append(Action("name", a, text="one"))
    log.append(Action("note", a, text="two"))
    assert log.append(Action("undo", undoes=1)).number == 3
    assert (log.state().of_class(a).name, len(log.state().of_class(a).notes)) == ("", 1)
    with pytest.raises(InputError, match=r"number 1 \(name\) is undone already"):
        log.append(Action("undo", undoes=1))
    log.append(Action("undo", undoes=3))
    assert log.state().of_class(a).name == "one"
    assert [log.append(Action("undo")).undoes for _ in range(2)] == [2, 1]
    with pytest.raises(InputError, match="nothing to undo"):
        log.append(Action("undo"))
    with pytest.raises(InputError, match="no action has the number 9; there are 1 to 6"):
        log.append(Action("undo", undoes=9))


@pytest.mark.parametrize("cut", [1, 30, 70])
def test_a_line_cut_short_is_told_and_mended(run: Path, log: ReviewLog, cut: int) -> None:
    a = ids(log)[0]
    log.append(Action("name", a, text="one", who="Ada"))
    path = stored.path_of(run)
    whole = path.read_bytes()
    log.append(Action("note", a, text="größer", who="Ada"))
    torn = path.read_bytes()[len(whole) :][:cut]
    path.write_bytes(whole + torn)
    assert [a.text for a in log.actions()] == ["one"]
    assert "cut short" in log.state().told[0]
    assert path.read_bytes() == whole + torn  # looking changes nothing
    assert log.append(Action("note", a, text="three")).number == 2
    assert path.read_bytes().startswith(whole)
    assert json.loads(lines(run)[1]) == {"kind": "mended", "torn": torn.decode("utf-8", "replace")}
    assert [a.text for a in log.actions()] == ["one", "three"]
    assert "mended" in log.state().told[0]


def test_a_line_that_lacks_only_its_end_is_kept(run: Path, log: ReviewLog) -> None:
    a = ids(log)[0]
    log.append(Action("name", a, text="one"))
    path = stored.path_of(run)
    path.write_bytes(path.read_bytes()[:-1])
    assert not log.state().told
    assert log.append(Action("note", a, text="two")).number == 2
    assert [json.loads(line)["text"] for line in lines(run)] == ["one", "two"]


def test_damage_in_the_middle_is_an_error_that_says_where(run: Path, log: ReviewLog) -> None:
    for text in ("one", "two"):
        log.append(Action("name", ids(log)[0], text=text))
    path = stored.path_of(run)
    path.write_text("rubbish\n" + path.read_text())
    with pytest.raises(RunError, match=r"line 1 of .*reviews.jsonl is damaged"):
        log.state()
    with pytest.raises(RunError, match="line 1"):
        log.append(Action("undo"))


def test_a_line_taken_out_is_told_and_one_put_in_twice_is_an_error(
    run: Path, log: ReviewLog
) -> None:
    for text in ("one", "two", "three"):
        log.append(Action("name", ids(log)[0], text=text))
    path = stored.path_of(run)
    first, second, third = path.read_text().splitlines(keepends=True)
    path.write_text(first + third)
    assert log.state().told == ("Missing from the log: number 2. What these said does not count.",)
    assert log.append(Action("undo")).number == 4
    path.write_text(first + second + second)
    with pytest.raises(RunError, match="number 2 of the reviews stands after number 2"):
        log.state()


def test_two_at_once_lose_nothing(run: Path, log: ReviewLog) -> None:
    a = ids(log)[0]
    code = (
        "import sys\nfrom skerry.review import Action, open_reviews\n"
        "log = open_reviews(sys.argv[1])\n"
        "for i in range(40):\n"
        "    log.append(Action('note', sys.argv[2], text=f'{sys.argv[3]}{i}', who=sys.argv[3]))\n"
    )
    both = [subprocess.Popen([sys.executable, "-c", code, str(run), a, who]) for who in "xy"]
    assert [process.wait(60) for process in both] == [0, 0]
    found = log.actions()
    assert [action.number for action in found] == list(range(1, 81))
    for who in "xy":
        assert [b.text for b in found if b.who == who] == [f"{who}{i}" for i in range(40)]


def test_what_was_acknowledged_survives_a_kill(run: Path, log: ReviewLog) -> None:
    code = (
        "import sys\nfrom skerry.review import Action, open_reviews\n"
        "log = open_reviews(sys.argv[1])\n"
        "while True:\n"
        "    print(log.append(Action('note', sys.argv[2], text='x' * 5000)).number, flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(run), ids(log)[0]], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    told = [int(process.stdout.readline()) for _ in range(25)]
    process.kill()
    told += [int(line) for line in process.stdout if line.endswith("\n")]
    process.wait(20)
    found = log.actions()
    assert [a.number for a in found][: len(told)] == told
    assert log.append(Action("undo")).number == len(found) + 1


def test_one_that_writes_for_too_long_is_an_error(
    run: Path, log: ReviewLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "WAIT", 0.05)
    with stored.RunFolder(run / "reviews", "").locked():
        with pytest.raises(RunError, match="nothing was added: try again"):
            log.append(Action("endorse", ids(log)[0]))
        log.state()  # reading waits for nobody
    # a search or an examination at work in the run is no hindrance
    with stored.RunFolder(run, "").locked():
        log.append(Action("endorse", ids(log)[0]))


def test_a_disk_that_is_full_leaves_the_log_as_it_was(
    run: Path, log: ReviewLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = ids(log)[0]
    log.append(Action("endorse", a))
    before = stored.path_of(run).read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(stored.os, "fsync", full)
    with pytest.raises(RunError, match="nothing was added"):
        log.append(Action("dismiss", a))
    assert stored.path_of(run).read_bytes() == before


def test_reviews_come_along_to_the_next_run(
    planted_table: Path, planted_config: Config, run: Path, log: ReviewLog, tmp_path: Path
) -> None:
    a, b, *_ = ids(log)
    log.append(Action("name", a, text="green peas"))
    log.append(Action("undo", undoes=1))
    log.append(Action("endorse", b))
    with stored.path_of(run).open("a") as file:
        file.write('{"number": 4, "ki')
    old = {"classes": {"previous": str(run), "min_size": 8}}
    config = from_mapping(old, from_mapping({"nulls": {"n": 0}, "replication": {"subsamples": 0}},
                                            planted_config))  # fmt: skip
    next_run = tmp_path / "next"
    pipeline.run(planted_table, next_run, config)
    new = open_reviews(next_run)
    assert new.actions() == log.actions() and new.state() == log.state()
    assert f"The 3 lines before were brought from {run}" in new.state().told[0]
    assert "cut short" in new.state().told[0]
    brought = stored.path_of(next_run).read_bytes()
    assert new.append(Action("dismiss", b)).number == 4
    # started again it keeps its own
    pipeline.run(planted_table, next_run, config)
    assert stored.path_of(next_run).read_bytes().startswith(brought)
    assert len(new.actions()) == 4
    # the same again gives the same bytes, and the previous run is left alone
    assert stored.bring(tmp_path / "again", run) == 3
    assert stored.path_of(tmp_path / "again").read_bytes() == brought
    assert stored.bring(tmp_path / "again", run) == 0
    assert stored.bring(tmp_path / "none", tmp_path / "nowhere") == 0
    assert len(log.actions()) == 3 and not (tmp_path / "none").exists()


def test_a_review_of_a_class_that_is_gone_is_kept(run: Path, log: ReviewLog) -> None:
    a = ids(log)[0]
    log.append(Action("name", a, text="green peas"))
    path = run / "classes" / "classes.json"
    path.write_text(json.dumps([r for r in json.loads(path.read_text()) if r["class_id"] != a]))
    later = open_reviews(run)
    assert a not in later.known.classes and later.state().of_class(a).name == "green peas"
    with pytest.raises(InputError, match="no class"):
        later.append(Action("endorse", a))
    later.append(Action("undo", undoes=1))  # can still be taken back
    assert not later.state().classes


def test_a_run_in_python_is_reviewed(run: Path) -> None:
    opened = open_run(run)
    first, second = [rare.class_id for rare in opened.rare_classes[:2]]
    member = opened.rare_classes[0].members[0]
    opened.review("dismiss", first, member, text="a star", by="Ada")
    opened.review("merge", first, others=[second])
    opened.review("split", first, parts={"odd": [member]})
    state = opened.review("name", first, text="peas")
    assert state == opened.reviews
    assert opened.reviews.of_source(first, member).who == "Ada"
    assert opened.review("undo").of_class(first).name == ""


def test_no_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no folder of a run"):
        open_reviews(tmp_path)
