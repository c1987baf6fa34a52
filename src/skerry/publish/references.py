"""What is cited for what a run used: the entries of ``templates/references.bib``, by their key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources

_PLAIN = {r"{\'e}": "é", r"{\'o}": "ó", r"\&": "&", "--": "-", "{": "", "}": ""}

OF_LIBRARY: Mapping[str, tuple[str, ...]] = {
    "skerry": ("skerry",),
    "numpy": ("harris2020",),
    "scipy": ("virtanen2020",),
    "scikit-learn": ("pedregosa2011",),
    "astropy": ("astropy2013", "astropy2018", "astropy2022"),
    "pyarrow": ("pyarrow",),
    "faiss-cpu": ("johnson2019",),
    "umap-learn": ("mcinnes2018umap",),
    "numba": ("lam2015",),
    "hdbscan": ("campello2013", "mcinnes2017hdbscan"),
    "cuml": ("raschka2020", "nolet2021"),
    "scikit-network": ("bonald2020",),
    "onnxruntime": ("onnxruntime",),
    "opencv-python-headless": ("bradski2000",),
    "matplotlib": ("hunter2007",),
    "mocpy": ("mocpy", "gorski2005"),
}
"""What each library is cited by, in the order of a text."""


@cache
def entries() -> Mapping[str, str]:
    """Every entry as it stands in the file, by its key."""
    file = resources.files("skerry.publish") / "templates" / "references.bib"
    found = re.split(r"\n\n+", file.read_text(encoding="utf-8").strip())
    return {entry.partition("{")[2].partition(",")[0]: entry for entry in found}


def fields(key: str) -> Mapping[str, str]:
    """The fields of an entry as plain text.

    Raises
    ------
    KeyError
        There is no such entry.
    """
    pairs = re.findall(r"^  (\w+) = \{(.*)\},$", entries()[key], re.MULTILINE)
    return {name: _plain(text) for name, text in pairs}


def _plain(text: str) -> str:
    for latex, plain in _PLAIN.items():
        text = text.replace(latex, plain)
    return text


def short(key: str) -> str:
    """How a text names it: authors and year, or the name of a program."""
    known = fields(key)
    if "year" not in known:
        return known["title"]
    family = [name.partition(",")[0] for name in known["author"].split(" and ")]
    if family[-1] == "others" or len(family) > 3:
        return f"{family[0]} et al. {known['year']}"
    named = " & ".join([", ".join(family[:-1]), family[-1]] if len(family) > 1 else family)
    return f"{named} {known['year']}"


def line(key: str) -> str:
    """It as one line: who and when, the title, where."""
    known = fields(key)
    where = ", ".join(known[k] for k in ("journal", "booktitle", "volume", "pages") if k in known)
    found = [
        f"arXiv:{known['eprint']}" if "eprint" in known else "",
        f"doi:{known['doi']}" if "doi" in known else "",
        known.get("url", ""),
    ]
    title = known["title"] if "year" in known else ""
    return ". ".join(part for part in (short(key), title, where, *found) if part)
