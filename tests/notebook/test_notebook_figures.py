from __future__ import annotations

import base64
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import skerry
from skerry.errors import InputError
from skerry.examining import examine
from skerry.notebook import Picture


@pytest.fixture(scope="module")
def examined(judged: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run that one question was asked of."""
    run = Path(shutil.copytree(judged, tmp_path_factory.mktemp("examined") / "run"))
    examine(run, ["unclustered"])
    return run


def shown(picture: Picture, page: Path) -> bool:
    """Whether a page has the very bytes of a picture in it."""
    return base64.b64encode(picture._repr_png_()).decode() in page.read_text()


def test_figures_are_those_of_the_report(examined: Path) -> None:
    figures = skerry.open(examined).figures
    report = examined / "report.html"
    drawn = [figures.map(), figures.nulls(), figures.sizes(), figures.answer("unclustered")]
    assert [shown(picture, report) for picture in drawn[:2]] == [True, True]
    assert shown(drawn[3], report)
    # the report leaves sizes out where there are fewer than five
    assert shown(drawn[2], report) == (len(skerry.open(examined).rare_classes) >= 5)
    assert len({picture.png for picture in drawn}) == 4


def test_figures_need_no_input(judged: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(judged, tmp_path / "run"))
    config = run / "config.toml"
    text = config.read_text()
    lines = ['input = "/nowhere/at/all"', *text.splitlines()[1:]]
    config.write_text("\n".join(lines))
    assert skerry.open(run).figures.map() == skerry.open(judged).figures.map()


def test_a_picture_is_saved(judged: Path, tmp_path: Path) -> None:
    picture = skerry.open(judged).figures.map()
    path = picture.save(tmp_path / "map.png")
    assert path.read_bytes() == picture.png and picture.png.startswith(b"\x89PNG")
    assert "png" not in repr(picture) and picture.caption in repr(picture)


def test_what_was_not_asked_is_named(examined: Path) -> None:
    figures = skerry.open(examined).figures
    with pytest.raises(InputError, match="no answer to 'properties'; answered: unclustered"):
        figures.answer("properties")
    with pytest.raises(InputError, match="figures, counted from 0; asked for 9"):
        figures.answer("unclustered", 9)
    with pytest.raises(InputError, match="has no figure of 'SKR-0'"):
        figures.answer("unclustered", class_id="SKR-0")


def test_a_figure_of_nothing_is_an_error(judged: Path) -> None:
    figures = skerry.open(judged).figures
    bare = replace(
        figures._findings,
        classes=(),
        null_containment={},
        n_nulls=0,
        map=np.full_like(figures._findings.map, np.nan),
    )
    figures.__dict__["_findings"] = bare
    for draw, told in (
        (figures.map, "no map was made"),
        (figures.sizes, "no class was found"),
        (figures.nulls, "no featureless data was searched"),
    ):
        with pytest.raises(InputError, match=told):
            draw()
