"""Pages of the repository outside docs/, and links between all pages of the site."""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

PAGES = ("VISION.md", "CONTRIBUTING.md", "CHANGELOG.md")
FOLDERS = ("benchmarks", "encoders")
INSTEAD = {"README.md": "index.md"}
"""What is shown in another's place: the site's first page says what the README does."""

_LINK = re.compile(r"(!?\[[^\]]*\]\()([^)\s]+)(\))")
_FENCE = re.compile(r"^(```|~~~).*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)


def pages(root: Path) -> list[Path]:
    """The pages that are brought in, in order."""
    found = [root / name for name in PAGES if (root / name).is_file()]
    for folder in FOLDERS:
        found += sorted((root / folder).rglob("*.md"))
    return found


def files(root: Path) -> list[Path]:
    """The pages that are brought in, and what else pages link to: pictures, CITATION.cff."""
    found = dict.fromkeys(pages(root))
    docs = sorted((root / "docs").rglob("*.md"))
    for page in [*docs, *found]:
        for target in links(page.read_text(encoding="utf-8")):
            path = Path(os.path.normpath(page.parent / target.partition("#")[0]))
            inside = path.is_relative_to(root) and not path.is_relative_to(root / "docs")
            if inside and path.is_file() and path.name not in INSTEAD:
                found[path] = None
    return list(found)


def links(text: str) -> Iterator[str]:
    """The relative links of a page, but for those in code."""
    for match in _LINK.finditer(_FENCE.sub("", text)):
        if _relative(match[2]):
            yield match[2]


def navigation(root: Path) -> list[dict[str, object]]:
    """Entries for the pages that are brought in."""
    measured = [p for p in pages(root) if p.relative_to(root).parts[0] in FOLDERS]
    project = [p for p in pages(root) if p not in measured]
    return [
        {"Measured": [_entry(p, root) for p in measured]},
        {"Project": ["design.md", *(_entry(p, root) for p in project)]},
    ]


def _entry(path: Path, root: Path) -> dict[str, str]:
    uri = path.relative_to(root).as_posix()
    found = _TITLE.search(path.read_text(encoding="utf-8"))
    title = found[1] if found else path.stem
    if path.parent.name not in FOLDERS and path.parent != root:
        title = f"{path.parent.name}: {title}"
    return {title: uri}


def rewritten(text: str, uri: str, root: Path) -> str:
    """A page's text with its links as they are in the site.

    On disk a page of docs/ is at ``docs/`` and ``uri``; in the site docs/ itself is the root.
    """
    on_disk = home(uri, root)

    def changed(match: re.Match[str]) -> str:
        if not _relative(match[2]):
            return match[0]
        target, mark, anchor = match[2].partition("#")
        path = os.path.normpath(on_disk.parent / target) if target else ""
        if not path:
            return match[0]
        where = in_site(PurePosixPath(path).relative_to(root.as_posix()).as_posix())
        relative = os.path.relpath(where, PurePosixPath(uri).parent)
        return f"{match[1]}{relative}{mark}{anchor}{match[3]}"

    parts, end = [], 0
    for fence in _FENCE.finditer(text):
        parts += [_LINK.sub(changed, text[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, _LINK.sub(changed, text[end:])])


def home(uri: str, root: Path) -> Path:
    """Where a page of the site is on disk; of a made page where it would be."""
    outer = root / uri
    return outer if outer.is_file() and outer in pages(root) else root / "docs" / uri


def in_site(path: str) -> str:
    """Where a file of the repository is in the site."""
    return INSTEAD.get(path, path.removeprefix("docs/"))


def _relative(target: str) -> bool:
    return not re.match(r"[a-z][a-z0-9+.-]*:|/|#", target)
