"""Which forms of input go together; what runs of them give is in test_add_images.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from skerry.adding.fitting import _require_columns
from skerry.errors import InputError
from skerry.survey import Survey, open_survey
from tests.survey.forms import drawn, write_tar

IMAGES = [source.image for source in drawn(4)]


def folder(path: Path, name: str) -> Survey:
    path.mkdir()
    (path / name).write_bytes(IMAGES[0])
    return open_survey(path)


def tar(path: Path, name: str) -> Survey:
    return open_survey(write_tar(path, {name: IMAGES[1]}))


def test_tars_go_together_whatever_their_images_end_in(tmp_path: Path) -> None:
    first, second = tar(tmp_path / "a.tar", "x.jpg"), tar(tmp_path / "b.tar", "y.png")
    assert first.choices != second.choices
    _require_columns(first, second, tmp_path / "run")


def test_another_form_is_told_as_such(tmp_path: Path) -> None:
    first, second = folder(tmp_path / "a", "x.png"), tar(tmp_path / "b.tar", "y.png")
    with pytest.raises(InputError, match=r"\(id: key of the sample, not file name .*same form"):
        _require_columns(first, second, tmp_path / "run")
    (tmp_path / "c.csv").write_text("id_str,file_loc\nz,a/x.png\n")
    with pytest.raises(InputError, match="a catalog to a catalog"):
        _require_columns(first, open_survey(tmp_path / "c.csv"), tmp_path / "run")
