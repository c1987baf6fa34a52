from __future__ import annotations

import pytest

from skerry.progress import bar, silent


def test_the_bar_writes_to_standard_error_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with bar() as on_event:
        on_event("encoding", 0, 10)
        on_event("encoding", 10, 10)
        on_event("embedding", 0, 0)
    out, err = capsys.readouterr()
    assert not out
    assert "encoding" in err
    assert "10/10" in err


def test_silence_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    silent("encoding", 1, 2)
    assert capsys.readouterr() == ("", "")
