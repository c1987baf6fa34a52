"""The atlas as a folder."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skerry.atlas import Chart, export
from skerry.errors import ConfigError, InputError

from .conftest import EVIL, N


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def data(folder: Path) -> Any:
    text = (folder / "data.js").read_text()
    assert text.isascii()
    return json.loads(json.loads(text.removeprefix("window.SKERRY = JSON.parse(")[:-3]))


def some(id_str: str) -> bytes:
    if id_str == "s011":
        raise InputError("the image is gone")
    return b"jpeg of " + id_str.encode()


@pytest.fixture
def imaged(chart: Chart) -> Chart:
    return replace(chart, cutout=some, no_images="")


def test_it_holds_all_that_the_page_loads(imaged: Chart, tmp_path: Path) -> None:
    written = export(imaged, tmp_path / "a")
    assert sorted(p for p in (tmp_path / "a").rglob("*") if p.is_file()) == written
    page = (tmp_path / "a" / "index.html").read_text()
    assert "%TOKEN%" not in page and 'src="data.js"' in page and EVIL not in page
    for name in ("map.js", "atlas.css", "bokeh/bokeh.min.js", "bokeh/bokeh-gl.min.js"):
        assert name in page and (tmp_path / "a" / name).stat().st_size > 1000


def test_points_classes_and_the_cutouts_of_galleries(imaged: Chart, tmp_path: Path) -> None:
    export(imaged, tmp_path / "a")
    found = data(tmp_path / "a")
    assert len(found["points"]["id"]) == N - 1  # one has no place
    assert found["points"]["id"][-1] == EVIL and found["points"]["c"][-1] == 0
    assert set(found["classes"]) == {"SKR-A", "SKR-B"}
    assert not found["run"]["can_review"] and not found["run"]["can_similar"]
    assert "without a server" in found["run"]["note"]
    # of 20 and 12 members all but the one that cannot be read
    assert len(found["cutouts"]) == 31 and "s011" not in found["cutouts"]
    for name, path in found["cutouts"].items():
        assert (tmp_path / "a" / path).read_bytes() == b"jpeg of " + name.encode()


def test_the_same_run_gives_the_same_bytes(imaged: Chart, tmp_path: Path) -> None:
    export(imaged, tmp_path / "a")
    export(replace(imaged), tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    # over an older atlas nothing of that is left
    (tmp_path / "a" / "cutouts" / "99999.jpg").write_bytes(b"old")
    export(imaged, tmp_path / "a")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_of_too_many_sources_only_members_are_points(
    imaged: Chart, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["skerry.atlas.export"], "MOST", 100)
    export(imaged, tmp_path / "a")
    found = data(tmp_path / "a")
    assert len(found["points"]["id"]) == 32 and min(found["points"]["c"]) == 0
    assert found["sea"]["image"].startswith("data:image/png;base64,")
    assert "the 32 points drawn, members of classes" in found["run"]["note"]


def test_ids_that_mean_something_to_javascript_stay_ids(tmp_path: Path) -> None:
    ids = ("__proto__", "constructor", "</script>", "\u2028", '"')
    export(Chart("odd", ids, np.arange(10.0).reshape(5, 2), ()), tmp_path / "a")
    assert tuple(data(tmp_path / "a")["points"]["id"]) == ids


def test_a_folder_of_something_else_is_left_alone(imaged: Chart, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match="no atlas"):
        export(imaged, tmp_path)
    with pytest.raises(ConfigError, match="is a file"):
        export(imaged, tmp_path / "mine.txt")
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]
