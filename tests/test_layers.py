"""Modules import only from layers below their own."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src" / "skerry"

LAYERS = [
    {"cli", "__init__", "__main__"},
    {"results", "notebook", "recovering", "atlas"},
    {"examining"},
    {"using", "review", "handoff", "planning"},
    {
        "adding",
        "pipeline",
        "stages",
        "judging",
        "searching",
        "surroundings",
        "context",
        "dependencies",
        "notices",
        "building",
        "scoring",
        "answered",
        "gathering",
        "encoding",
        "sharing",
        "reopening",
    },
    {"simulate"},
    {"survey", "represent", "discover", "examine", "publish"},
    {"store", "backends", "executors"},
    {"answer"},
    {"types", "config", "progress"},
    {"errors"},
]
STAGES = ["survey", "represent", "discover", "examine", "publish"]
"""Within their layer a stage may import from those on its left, never the reverse."""

HOMES = {
    "torch": {"represent", "backends"},
    "timm": {"represent"},
    "lightning_fabric": {"represent"},
    "huggingface_hub": {"represent"},
    "umap": {"backends"},
    "hdbscan": {"backends"},
    "faiss": {"backends"},
    "cuml": {"backends"},
    "cupy": {"backends"},
    "galsim": {"simulate"},
    "matplotlib": {"publish"},
    "pandas": {"notebook", "results"},
    "typer": {"cli"},
    "bokeh": {"atlas"},
    "ray": {"executors"},
}
"""Libraries and the only packages that may import them."""

MODULES = sorted(SRC.rglob("*.py"))


def package(path: Path) -> str:
    return path.relative_to(SRC).parts[0].removesuffix(".py")


def imports(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def layer(name: str) -> int:
    return next(i for i, names in enumerate(LAYERS) if name in names)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SRC)))
def test_imports_point_down(path: Path) -> None:
    own = package(path)
    if own == "__init__":
        return
    for name in imports(path):
        root, _, rest = name.partition(".")
        if root in HOMES:
            assert own in HOMES[root], f"{path.name} imports {name}"
        if root != "skerry" or not rest:
            continue
        other = rest.split(".")[0]
        if other == own or other == "__version__":
            continue
        if own in STAGES and other in STAGES:
            assert STAGES.index(other) < STAGES.index(own), f"{path.name} imports {name}"
        else:
            assert layer(other) >= layer(own), f"{path.name} imports {name}"


def test_every_package_has_a_layer() -> None:
    for path in MODULES:
        layer(package(path))
