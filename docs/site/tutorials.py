"""Tutorials: percent-format Python files, run cell by cell and shown with what they print."""

from __future__ import annotations

import base64
import hashlib
import html
import os
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ORDER = ("first_run", "own_survey", "atlas", "is_it_real")
"""The tutorials in the order in which they run, in one folder: later ones use earlier runs."""

_CELL = re.compile(r"^# %%(.*)$", re.MULTILINE)
_PLACE = '<div class="skerry-output" id="output-{}"></div>'
_SHELL = "# !"
_PLAIN = (
    "import os\n"
    "for name in ('FORCE_COLOR', 'CLICOLOR', 'CLICOLOR_FORCE'): os.environ.pop(name, None)"
)
"""Run before all cells: the kernel asks programs for colors, which a page cannot show."""


class CellError(Exception):
    """A cell failed; says of which tutorial, what it ran and how it failed."""


@dataclass(frozen=True)
class Cell:
    """A piece of a tutorial: prose as Markdown, or Python, or commands for a shell."""

    kind: str
    text: str


@dataclass(frozen=True)
class Executed:
    """A tutorial as a page: its Markdown with places for outputs, the outputs as HTML by their
    number, the pictures among them by file name, and the notebook to download."""

    markdown: str
    outputs: dict[int, str] = field(default_factory=dict)
    images: dict[str, bytes] = field(default_factory=dict)
    notebook: str = ""


def cells_of(text: str) -> list[Cell]:
    """The cells of a percent-format file."""
    marks = list(_CELL.finditer(text))
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    found = []
    for mark, end in zip(marks, ends, strict=True):
        body = text[mark.end() : end].strip("\n")
        if "[markdown]" in mark[1]:
            lines = [line.removeprefix("#").removeprefix(" ") for line in body.splitlines()]
            found.append(Cell("markdown", "\n".join(lines)))
        elif body.startswith(_SHELL):
            lines = [line.removeprefix(_SHELL).removeprefix("# ") for line in body.splitlines()]
            found.append(Cell("shell", "\n".join(lines)))
        else:
            found.append(Cell("code", body))
    return found


def plain(folder: Path) -> dict[str, Executed]:
    """The tutorials without outputs."""
    made = {}
    for name in ORDER:
        cells = cells_of((folder / f"{name}.py").read_text(encoding="utf-8"))
        made[name] = Executed(_page(name, cells, {}), notebook=_written(_notebook(cells)))
    return made


def executed(
    folder: Path, src: Path, work: Path, say: Callable[..., None], stale: bool = False
) -> dict[str, Executed]:
    """Run the tutorials in ``work/run``, unless they ran with the very same program.

    ``stale``: take what ran last, whatever has changed since, to work at the look of the site.

    Raises
    ------
    CellError
        A cell failed.
    """
    cells = {n: cells_of((folder / f"{n}.py").read_text(encoding="utf-8")) for n in ORDER}
    kept = work / f"executed-{_digest(folder, src)}"
    if stale:
        kept = next(iter(sorted(work.glob("executed-*"))), kept)
    if not kept.is_dir():
        shutil.rmtree(work, ignore_errors=True)
        (work / "run").mkdir(parents=True)
        books = {}
        for name in ORDER:
            say("running the tutorial %s", name)
            books[name] = _run(name, cells[name], work / "run")
        kept.mkdir()
        for name, book in books.items():
            (kept / f"{name}.ipynb").write_text(_written(book), encoding="utf-8")
    return {name: _shown(name, cells[name], kept / f"{name}.ipynb") for name in ORDER}


def _digest(folder: Path, src: Path) -> str:
    paths = [folder / f"{name}.py" for name in ORDER]
    paths += sorted(p for p in src.rglob("*") if p.is_file() and p.suffix not in (".pyc", ".part"))
    found = hashlib.sha256(Path(__file__).read_bytes())
    for path in paths:
        found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()[:16]


def _notebook(cells: list[Cell]) -> Any:
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    made = []
    for i, cell in enumerate(cells):
        text = f"%%bash -e\n{cell.text}" if cell.kind == "shell" else cell.text
        new = new_markdown_cell if cell.kind == "markdown" else new_code_cell
        made.append(new(text, id=f"cell-{i}"))
    return new_notebook(cells=made)


def _written(book: Any) -> str:
    import nbformat

    return str(nbformat.writes(book))


def _run(name: str, cells: list[Cell], folder: Path) -> Any:
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    book = _notebook([Cell("code", _PLAIN), *cells])
    before = dict(os.environ)
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{before.get('PATH', '')}"
    os.environ |= {"COLUMNS": "92", "LINES": "40", "NO_COLOR": "1"}
    try:
        client = NotebookClient(book, timeout=600, kernel_name="python3",
                                extra_arguments=["--log-level=40"],
                                resources={"metadata": {"path": str(folder)}})  # fmt: skip
        client.execute()
    except CellExecutionError as error:
        raise CellError(f"the tutorial {name} failed: {error}") from error
    finally:
        os.environ.clear()
        os.environ.update(before)
    del book.cells[0]
    return book


def _shown(name: str, cells: list[Cell], path: Path) -> Executed:
    import nbformat

    text = path.read_text(encoding="utf-8")
    book = nbformat.reads(text, as_version=4)
    outputs: dict[int, str] = {}
    images: dict[str, bytes] = {}
    for i, cell in enumerate(book.cells):
        found = enumerate(_joined(cell.get("outputs", [])))
        parts = [_output(output, f"{name}-{i}-{j}", images) for j, output in found]
        if any(parts):
            outputs[i] = "".join(parts)
    return Executed(_page(name, cells, outputs), outputs, images, text)


def _joined(outputs: list[Any]) -> list[Any]:
    """Outputs with what was printed in one piece, for it comes in as many as it was flushed in.

    What went to standard error is progress, and left out.
    """
    printed = "".join(o["text"] for o in outputs if o.get("name") == "stdout")
    others = [o for o in outputs if o["output_type"] != "stream"]
    if not printed:
        return others
    return [{"output_type": "stream", "name": "stdout", "text": printed}, *others]


def _output(output: Any, name: str, images: dict[str, bytes]) -> str:
    """One output as HTML."""
    if output["output_type"] == "stream":
        return _text(output["text"])
    data = output.get("data", {})
    if "text/html" in data:
        return f'<div class="rich">{data["text/html"]}</div>'
    if "image/png" in data:
        images[f"{name}.png"] = base64.b64decode(data["image/png"])
        return f'<img class="figure" src="{name}.png" alt="figure that the cell above draws">'
    return _text(data["text/plain"]) if "text/plain" in data else ""


def _text(text: str) -> str:
    return f"<pre>{html.escape(text.rstrip())}</pre>" if text.strip() else ""


def _page(name: str, cells: list[Cell], outputs: dict[int, str]) -> str:
    parts = []
    for i, cell in enumerate(cells):
        if cell.kind == "markdown":
            parts.append(cell.text)
        else:
            parts.append(f"```{'bash' if cell.kind == 'shell' else 'python'}\n{cell.text}\n```")
        if i in outputs:
            parts.append(_PLACE.format(i))
    parts.append(
        f'<p class="download"><a href="{name}.ipynb" download>This page as a notebook</a>. '
        "The tutorials run in one folder, in their order.</p>"
    )
    return "\n\n".join(parts) + "\n"


def with_outputs(page: str, done: Executed) -> str:
    """A page's HTML with the outputs in their places."""
    for i, output in done.outputs.items():
        place = _PLACE.format(i)
        if place not in page:
            raise ValueError(f"no place for output {i}")
        page = page.replace(place, place.replace("></div>", f">{output}</div>"))
    return page
