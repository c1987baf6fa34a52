"""What MkDocs runs around its own work: pages that are made, links that lead out of docs/."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path
from typing import Any

import outside
import reference
import tutorials
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

ROOT = Path(__file__).parents[2]
WORK = ROOT / "build" / "tutorials"
log = logging.getLogger("mkdocs.hooks.skerry")

_executed: dict[str, tutorials.Executed] = {}


def on_config(config: Any) -> Any:
    """Run the tutorials, and put the pages from outside docs/ to the end of the navigation."""
    _executed.clear()
    _executed.update(_run_tutorials())
    config["nav"] += outside.navigation(ROOT)
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add the tutorials as they ran, the generated reference, and the pages outside docs/."""
    for name, done in _executed.items():
        _add(files, config, f"tutorials/{name}.md", done.markdown)
        _add(files, config, f"tutorials/{name}.ipynb", done.notebook)
        for image, data in done.images.items():
            _add(files, config, f"tutorials/{image}", data)
    for uri, text in reference.pages().items():
        _add(files, config, uri, text)
    for path in outside.files(ROOT):
        data = path.read_text(encoding="utf-8") if path.suffix == ".md" else path.read_bytes()
        _add(files, config, path.relative_to(ROOT).as_posix(), data)
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Links that are right on disk are made right in the site."""
    return outside.rewritten(markdown, page.file.src_uri, ROOT)


def on_page_content(html: str, page: Any, config: Any, files: Any) -> str:
    """Put the outputs of a tutorial's cells where they were shown."""
    name = Path(page.file.src_uri).stem
    if page.file.src_uri.startswith("tutorials/") and name in _executed:
        return tutorials.with_outputs(html, _executed[name])
    return html


def on_post_build(config: Any) -> None:
    """The atlas that a tutorial wrote is part of the site."""
    atlas = WORK / "run" / "atlas"
    if atlas.is_dir():
        shutil.copytree(atlas, Path(config["site_dir"]) / "tutorials" / "atlas", dirs_exist_ok=True)


def _run_tutorials() -> dict[str, tutorials.Executed]:
    asked = os.environ.get("SKERRY_DOCS", "")
    if asked == "plain":
        log.info("tutorials are shown without their outputs (SKERRY_DOCS=plain)")
        return tutorials.plain(ROOT / "docs" / "tutorials")
    try:
        folder, stale = ROOT / "docs" / "tutorials", asked == "stale"
        return tutorials.executed(folder, ROOT / "src", WORK, log.info, stale)
    except tutorials.CellError as error:
        raise PluginError(str(error)) from error


def _add(files: Any, config: Any, uri: str, content: str | bytes) -> None:
    files.append(File.generated(config, uri, content=content))
