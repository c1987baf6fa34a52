"""The table a run ends with."""

from __future__ import annotations

from typing import Any

import pytest

from skerry.cli.closing import closing


def found(verdicts: list[str], judged: bool = True) -> dict[str, Any]:
    """What ``pipeline.status`` gives of a finished run with these classes."""
    classes = [
        {
            "class_id": f"SKR-[b]{rank}",
            "rank": rank,
            "size": 40 + rank,
            "containment": 4.37,
            "q_value": 0.0123 if judged else None,
            "replication": 0.75 if judged else None,
            "verdict": verdict,
        }
        for rank, verdict in enumerate(verdicts, start=1)
    ]
    counts = {
        "classes": {"classes": len(classes), "unclustered": 990},
        "representations": {"represented": 1000, "failed": 2},
    }
    stages = {name: {"state": "done", "counts": c} for name, c in counts.items()}
    return {"run": "here", "stages": stages, "classes": classes, "complete": True}


def printed(capsys: pytest.CaptureFixture[str], given: dict[str, Any]) -> str:
    closing(given)
    return capsys.readouterr().out


def test_confirmed_and_tentative_are_shown_and_rejected_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = printed(capsys, found(["confirmed", "tentative", "rejected", "rejected"]))
    assert "SKR-[b]1" in out and "SKR-[b]2" in out and "SKR-[b]3" not in out
    assert all(word in out for word in ("4.4", "0.012", "75%", "tentative"))
    assert "Rejected: 2" in out
    assert "One confirmed class among 1,000 sources; one tentative, two candidates rej" in out
    assert "99.0% of them are in none, which is normal" in " ".join(out.split())


def test_an_id_is_whole_in_a_narrow_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    given = found(["confirmed"])
    given["classes"][0]["class_id"] = "SKR-587722984435351614"
    row = next(line for line in printed(capsys, given).splitlines() if "SKR-5877" in line)
    assert row.split() == ["1", "SKR-587722984435351614", "41", "4.4", "0.012", "75%", "confirmed"]


@pytest.mark.parametrize("width", [80, 40])
def test_numbers_are_whole_beside_a_long_id(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    given = found(["confirmed", "tentative"])
    name = "SKR-" + "587722984435351614" * 3 + "ab"
    given["classes"][0] |= {"class_id": name, "size": 123456, "containment": 1234.5}
    lines = printed(capsys, given).splitlines()
    first = next(i for i, line in enumerate(lines) if "confirmed" in line and "SKR-" in line)
    until = next(i for i, line in enumerate(lines) if "SKR-[b]2" in line)
    rank, start, *others = lines[first].split()
    assert (rank, others) == ("1", ["123456", "1234.5", "0.012", "75%", "confirmed"])
    assert start + "".join(line.strip() for line in lines[first + 1 : until]) == name
    assert lines[until].split() == ["2", "SKR-[b]2", "42", "4.4", "0.012", "75%", "tentative"]


def test_no_more_than_twenty_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, found(["confirmed"] * 23))
    assert "SKR-[b]20" in out and "SKR-[b]21" not in out
    assert "and 3 more" in out and "Rejected:" not in out


def test_where_all_are_rejected_no_table_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, found(["rejected"]))
    assert "contained" not in out and "Rejected: 1" in out


def test_an_unjudged_run_reads_well(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, found(["unjudged", "unjudged"], judged=False))
    assert "Two candidate classes among 1,000 sources" in out and "unjudged" in out
    assert "None" not in out
