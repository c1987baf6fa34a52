"""skerry: find rare classes of galaxy in survey images, with no examples of any.

import skerry
skerry.run("survey/", "RUN")
run = skerry.open("RUN")
run.classes, run.members
"""

from __future__ import annotations

import importlib.metadata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skerry.adding.add import add
    from skerry.config import Config
    from skerry.errors import SkerryError
    from skerry.pipeline import run, status
    from skerry.results import Run, open

__version__ = importlib.metadata.version("skerry")

_HOMES = {
    "Config": "skerry.config",
    "Run": "skerry.results",
    "SkerryError": "skerry.errors",
    "add": "skerry.adding.add",
    "open": "skerry.results",
    "run": "skerry.pipeline",
    "status": "skerry.pipeline",
}

__all__ = ["Config", "Run", "SkerryError", "__version__", "add", "open", "run", "status"]


def __getattr__(name: str) -> Any:
    # the libraries behind these take seconds to import: only who asks pays
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'skerry' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
