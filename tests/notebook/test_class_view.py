from __future__ import annotations

import re
import shutil
from html import unescape
from pathlib import Path

import pytest

import skerry
from skerry.errors import InputError
from skerry.examine import ExamineConfig
from skerry.examining import examine
from skerry.publish.rendering import rendered


def text_of(html: str) -> str:
    html = re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)))


def a_class(run: skerry.Run) -> str:
    assert run.rare_classes, "the drawn survey has a candidate at least"
    return run.rare_classes[0].class_id


def test_a_class_shows_verdict_reasons_and_images(finished: Path) -> None:
    run = skerry.open(finished)
    view = run[a_class(run)]
    rare = view.rare_class
    html = view._repr_html_()
    told = text_of(html)
    assert rare.class_id in told and rare.verdict in told
    assert all(reason in told for reason in rare.reasons)
    assert view.gallery.why_none == ""
    assert html.count("data:image/jpeg;base64,") == sum(
        len(part) for part in (view.gallery.central, view.gallery.edge, view.gallery.outside)
    )
    assert [t.id_str for t in view.gallery.central][: len(rare.exemplars)] == list(rare.exemplars)
    assert all(t.uri for t in view.gallery.central)
    assert view.gallery._repr_html_().count("<img") >= len(view.gallery.central)


def test_its_tables_are_its_own(judged: Path) -> None:
    run = skerry.open(judged)
    for rare in run.rare_classes:
        view = run[rare.class_id]
        assert view.members["id_str"].tolist() == list(rare.members)
        assert view.checks["check"].tolist() == [check.name for check in rare.checks]
        assert view.members["ra"].unit == "deg"


def test_without_images_it_says_why(judged: Path) -> None:
    run = skerry.open(judged)
    view = run[a_class(run)]
    told = text_of(view._repr_html_())
    assert "began with representations, not with images" in told
    assert not view.gallery.central and "<img" not in view._repr_html_()
    assert view.class_id in told and view.reasons[0] in told


def test_with_its_input_gone_it_says_why(moved_run: tuple[Path, Path]) -> None:
    moved, other = moved_run
    next((other / "images").iterdir()).unlink()
    run = skerry.open(moved)
    changed = text_of(run[a_class(run)]._repr_html_())
    assert "There are no images to show" in changed and "is not what it was" in changed
    shutil.rmtree(other)
    gone = run[a_class(run)]
    assert "cannot be read now" in gone.gallery.why_none
    assert gone.class_id in text_of(gone._repr_html_())


def test_what_was_examined_stands_with_the_class(judged: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(judged, tmp_path / "run"))
    run = skerry.open(copy)
    name = a_class(run)
    assert run[name].answers == {}
    [answer] = examine(copy, ["compression"], ExamineConfig(nulls=0))
    view = run[name]
    assert view.answers == {"compression": answer.of_class[name]}
    assert answer.of_class[name] in text_of(view._repr_html_())


def test_an_unknown_class_is_an_error(judged: Path) -> None:
    run = skerry.open(judged)
    with pytest.raises(InputError, match="has no class 'SKR-0'; its classes: "):
        run["SKR-0"]
    with pytest.raises(TypeError):
        iter(run)  # type: ignore[call-overload]
    assert run._ipython_key_completions_() == [rare.class_id for rare in run.rare_classes]


def test_a_run_shows_its_headline_and_classes(judged: Path) -> None:
    run = skerry.open(judged)
    told = text_of(run._repr_html_())
    kept = [rare for rare in run.rare_classes if rare.verdict != "rejected"]
    assert kept and all(rare.class_id in told for rare in kept)
    assert "among 1,200 sources" in told
    rejected = [rare for rare in run.rare_classes if rare.verdict == "rejected"]
    assert not any(rare.class_id in told for rare in rejected)
    assert ("rejected" in told) == bool(rejected)


def test_its_style_leaves_the_notebook_alone(judged: Path) -> None:
    html = skerry.open(judged)._repr_html_()
    [css] = re.findall(r"<style>(.*?)</style>", html, flags=re.DOTALL)
    selectors = [s.strip() for rule in css.split("}")[:-1] for s in rule.split("{")[0].split(",")]
    assert len(selectors) > 20
    assert all(re.match(r"\.skerry($|[ ])", selector) for selector in selectors)
    assert "url(" not in css and "@import" not in css


def test_ids_are_escaped() -> None:
    html = rendered(
        "view_run.html.j2",
        {"name": "<b>", "headline": "&", "rows": [], "more": 0, "rejected": 0, "count": str},
    )
    assert "&lt;b&gt;" in html and "<b>" not in html
