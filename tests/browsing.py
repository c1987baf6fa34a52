"""A browser for tests; a module that imports this is skipped, by name, where there is none.

Needs playwright and a Chromium (on the path, or named by CHROMIUM). axe-core's axe.min.js is looked
for in node_modules or where AXE says.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
if not CHROMIUM:
    pytest.skip("no chromium on the path; name one by CHROMIUM", allow_module_level=True)

AXE = Path(os.environ.get("AXE", Path(__file__).parents[1] / "node_modules/axe-core/axe.min.js"))
SIZES = [(1280, 800), (390, 844)]
"""Of the window, a desk's and a phone's."""

needs_axe = pytest.mark.skipif(
    not AXE.is_file(), reason="no axe-core: npm install axe-core, or set AXE"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(
            executable_path=CHROMIUM, args=["--headless", "--no-sandbox"]
        )
        yield found
        found.close()


def serious_faults(page: Any) -> list[tuple[str, str]]:
    """What axe-core holds to be a serious fault of accessibility, with where it is."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run()")
    assert found["passes"]
    return [
        (v["id"], v["nodes"][0]["html"][:120])
        for v in found["violations"]
        if v["impact"] in ("serious", "critical")
    ]
