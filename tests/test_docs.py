"""The documentation hangs together: every page is in the navigation, every link leads somewhere.

Needs no MkDocs: what the site's hooks compute is in modules without it.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import os.path
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from skerry.config import Config
from skerry.examine import QUESTIONS, ExamineConfig

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


def module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"site_{name}", DOCS / "site" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = found  # dataclasses look their module up
    spec.loader.exec_module(found)
    return found


outside, reference, tutorials = (module(n) for n in ("outside", "reference", "tutorials"))
CONFIG = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
PAGES = sorted(DOCS.rglob("*.md"))
WITH_LINKS = [ROOT / "README.md", *PAGES, *outside.pages(ROOT)]


def uris(nav: object) -> list[str]:
    """Every page of a navigation."""
    if isinstance(nav, str):
        return [nav]
    parts = nav.values() if isinstance(nav, dict) else nav
    return [uri for part in parts for uri in uris(part)]  # type: ignore[union-attr]


def test_every_page_is_in_the_navigation_once() -> None:
    listed = uris([*CONFIG["nav"], *outside.navigation(ROOT)])
    made = [f"tutorials/{name}.md" for name in tutorials.ORDER] + list(reference.PAGES)
    brought = [p.relative_to(ROOT).as_posix() for p in outside.pages(ROOT)]
    own = [p.relative_to(DOCS).as_posix() for p in PAGES]
    assert sorted(listed) == sorted([*own, *made, *brought])


def test_every_tutorial_is_run() -> None:
    assert {p.stem for p in (DOCS / "tutorials").glob("*.py")} == set(tutorials.ORDER)


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as Python-Markdown makes them."""
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    found = set()
    for heading in re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE):
        words = re.sub(r"[^\w\s-]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading))
        found.add(re.sub(r"[-\s]+", "-", words.strip().lower()))
    return found


def made(path: Path) -> bool:
    """Whether a page is there only in the site."""
    if not path.is_relative_to(DOCS):
        return False
    if path.relative_to(DOCS).as_posix() in reference.PAGES:
        return True
    return path.parent == DOCS / "tutorials" and path.with_suffix(".py").is_file()


@pytest.mark.parametrize("page", WITH_LINKS, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_lead_to_files(page: Path) -> None:
    for link in outside.links(page.read_text()):
        target, _, anchor = link.partition("#")
        path = Path(os.path.normpath(page.parent / target)) if target else page
        if made(path):
            continue
        assert path.is_file(), f"{page.relative_to(ROOT)} links to {link}"
        if anchor:
            assert anchor in anchors(path), f"{page.relative_to(ROOT)} links to {link}"


@pytest.mark.parametrize("name", tutorials.ORDER)
def test_links_of_tutorials_lead_to_pages(name: str) -> None:
    text = (DOCS / "tutorials" / f"{name}.py").read_text()
    for cell in tutorials.cells_of(text):
        if cell.kind != "markdown":
            continue
        for link in outside.links(cell.text):
            path = Path(os.path.normpath(DOCS / "tutorials" / link.partition("#")[0]))
            assert path.is_file() or made(path), f"{name} links to {link}"


def test_links_are_made_right_in_the_site() -> None:
    def rewritten(text: str, uri: str) -> str:
        return str(outside.rewritten(text, uri, ROOT))

    assert rewritten("[a](../README.md)", "classes.md") == "[a](index.md)"
    name = next(p for p in outside.pages(ROOT) if p.parent.name == "benchmarks").name
    assert rewritten(f"[a](../benchmarks/{name}#b)", "classes.md") == f"[a](benchmarks/{name}#b)"
    assert rewritten("[a](../docs/classes.md)", f"benchmarks/{name}") == "[a](../classes.md)"
    assert rewritten("[a](../classes.md)", "examine/artifacts.md") == "[a](../classes.md)"
    for kept in ("[a](#b)", "[a](https://x.org/y.md)", "```\n[a](../README.md)\n```"):
        assert rewritten(kept, "classes.md") == kept


def test_the_reference_has_every_setting_and_command() -> None:
    pages = reference.pages()
    for section in dataclasses.fields(Config):
        if section.name == "preset":
            continue
        for field in dataclasses.fields(getattr(Config(), section.name)):
            assert f"`{section.name}.{field.name}`" in pages[reference.CONFIG]
    assert "`neighbors.k` †" in pages[reference.CONFIG]
    assert "`nulls.n` |" in pages[reference.CONFIG]
    for question in QUESTIONS:
        assert f"[{question.name}]" in pages[reference.EXAMINE]
    for field in dataclasses.fields(ExamineConfig):
        assert f"`{field.name}` |" in pages[reference.EXAMINE]
    cli = pages[reference.CLI]
    for command in ("run", "demo", "examine", "encoders import", "recover", "simulate", "train"):
        assert f"## skerry {command}\n" in cli
    assert "skerry run INPUT [OPTIONS]" in cli
    assert "| `--threads` `INT` | `0` |" in cli and "| `--output`, `-o` `PATH` | required |" in cli


def test_cells_are_prose_python_or_commands() -> None:
    text = "# %% [markdown]\n# # A\n#\n# b\n\n# %%\nx = 1\n\n# %%\n# !skerry run A \\\n# !  -o B\n"
    kinds = [(cell.kind, cell.text) for cell in tutorials.cells_of(text)]
    assert kinds == [
        ("markdown", "# A\n\nb"),
        ("code", "x = 1"),
        ("shell", "skerry run A \\\n  -o B"),
    ]


def test_outputs_are_put_in_their_places() -> None:
    page = tutorials._page("t", [tutorials.Cell("code", "x")], {0: "<pre>1</pre>"})
    shown = tutorials.with_outputs(page, tutorials.Executed(page, {0: "<pre>1</pre>"}))
    assert '<div class="skerry-output" id="output-0"><pre>1</pre></div>' in shown
    with pytest.raises(ValueError, match="no place for output 7"):
        tutorials.with_outputs(page, tutorials.Executed(page, {7: "x"}))


@pytest.mark.parametrize("kind, text", [("code", "1 / 0"), ("shell", "echo so; false\necho on")])
def test_a_cell_that_fails_ends_the_build(kind: str, text: str, tmp_path: Path) -> None:
    for name in ("nbclient", "ipykernel"):
        pytest.importorskip(name)
    with pytest.raises(tutorials.CellError, match="the tutorial t failed"):
        tutorials._run("t", [tutorials.Cell(kind, text)], tmp_path)


def test_what_a_cell_prints_is_kept_without_colors(tmp_path: Path) -> None:
    for name in ("nbclient", "ipykernel"):
        pytest.importorskip(name)
    cells = [
        tutorials.Cell("shell", "skerry version; echo ${FORCE_COLOR:-plain}"),
        tutorials.Cell("code", "print('a'); print('b', flush=True); 1 + 1"),
    ]
    book = tutorials._run("t", cells, tmp_path)
    (tmp_path / "t.ipynb").write_text(tutorials._written(book))
    done = tutorials._shown("t", cells, tmp_path / "t.ipynb")
    assert "plain" in done.outputs[0]
    assert done.outputs[1] == "<pre>a\nb</pre><pre>2</pre>"


def test_docstrings_are_told_as_the_parser_wants_them() -> None:
    pytest.importorskip("griffe")
    plain = module("docstrings").plain
    text = "A.\n\nParameters\n----------\nlimit : how many\nfolder : Path\n    Where.\n"
    expected = "A.\n\nParameters\n----------\nlimit\n    how many\nfolder : Path\n    Where."
    assert plain(text) == expected
    assert plain("As :func:`~a.b` of :class:`C`, ``x``.") == "As `a.b` of `C`, `x`."
