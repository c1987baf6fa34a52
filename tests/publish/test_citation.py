"""What is cited is what the run used, and its entries are sound BibTeX."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from skerry.config import from_mapping
from skerry.publish.citation import citation_bib, citation_text, cited, write_citation
from skerry.publish.references import OF_LIBRARY, entries, fields, line, short
from skerry.represent.encoder import Encoder, load
from skerry.types import Contract

VERSIONS = {name: f"1.{i}" for i, name in enumerate(OF_LIBRARY)}


def keys_of(bib: str) -> list[str]:
    return re.findall(r"^@\w+\{([^,]+),$", bib, re.MULTILINE)


def made_up(**of: Any) -> Encoder:
    about: dict[str, Any] = {"name": "mine", "sha256": "ab" * 32, "architecture": "resnet18"}
    return Encoder(
        **(about | of), contract=Contract(64, {}, "the middle"), batch=1, dimensions=8,
        vote_columns=(), session=None,
    )  # fmt: skip


def test_every_entry_is_sound() -> None:
    for key, entry in entries().items():
        assert entry.isascii() and entry.count("{") == entry.count("}")
        assert re.match(rf"@(article|inproceedings|misc)\{{{key},\n", entry)
        known = fields(key)
        assert known["author"] and known["title"]
        if not entry.startswith("@misc"):
            assert len(known["year"]) == 4 and known["year"] in short(key)
            assert {"doi", "eprint", "journal", "booktitle"} & set(known)
        assert "{" not in line(key) and "\\" not in line(key)
    assert {key for keys in OF_LIBRARY.values() for key in keys} <= set(entries())
    assert short("mcinnes2017hdbscan") == "McInnes, Healy & Astels 2017"
    assert "arXiv:2312.02910" in line("walmsley2023rare")


def test_a_shipped_encoder_says_what_it_was_trained_on(findings, tmp_path: Path) -> None:
    encoder = load("default")
    paths = write_citation(findings, [encoder], VERSIONS, tmp_path)
    assert [p.name for p in paths] == ["CITATION.txt", "CITATION.bib"]
    text, bib = (p.read_text(encoding="utf-8") for p in paths)
    for told in (encoder.name, encoder.sha256, "Galaxy Zoo 2", "Willett et al. 2013",
                 "survey/catalog.csv: 2,002 sources", "acknowledge it"):  # fmt: skip
        assert told in text
    keys = keys_of(bib)
    assert len(keys) == len(set(keys))
    assert {"walmsley2023rare", "tan2019", "levine2015", "blondel2008"} <= set(keys)
    for name, version in VERSIONS.items():
        assert f"\n{name} {version}\n" in text and f"{name} {version}" in text.splitlines()[-1]
    assert "version = {1.0}" in bib  # skerry's own, which has no paper
    before = [p.read_bytes() for p in paths]
    again = write_citation(findings, [load("default")], VERSIONS, tmp_path / "again")
    assert before == [p.read_bytes() for p in again]


def test_only_what_was_used_is_cited(findings) -> None:
    nowhere = replace(findings, sources=findings.sources.drop_columns(["ra", "dec"]))
    used = cited(nowhere, [], VERSIONS)
    bib, text = citation_bib(used), citation_text(used)
    assert not {"onnxruntime", "bradski2000", "mocpy", "gorski2005", "willett2013"} & set(
        keys_of(bib)
    )
    assert "onnxruntime" not in text and "They were given" in text
    few = {name: VERSIONS[name] for name in ("skerry", "scipy")}
    assert [u.sentence for u in cited(findings, [], few) if u.heading == "Software"] == [
        "skerry 1.0", f"scipy {VERSIONS['scipy']}",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("route", "repeated", "by_hdbscan"),
    [
        ("graph", 3, True),  # one of the repeated searches is by the other route
        ("graph", 0, False),
        ("umap-hdbscan", 0, True),
    ],
)
def test_the_routes_that_were_searched_by_are_cited(
    findings, route: str, repeated: int, by_hdbscan: bool
) -> None:
    settings = {
        "clusters": {"route": route},
        "replication": {"subsamples": repeated, "seeds": repeated},
    }
    used = cited(replace(findings, config=from_mapping(settings)), [], VERSIONS)
    keys, text = set(keys_of(citation_bib(used))), citation_text(used)
    assert ({"campello2013", "mcinnes2017hdbscan"} <= keys) == by_hdbscan
    assert ("HDBSCAN's" in text) == ("\nhdbscan " in text) == by_hdbscan
    # containment is measured against communities whatever the route
    assert {"levine2015", "blondel2008", "bonald2020"} <= keys
    assert f"by the route {route}." in text


def test_of_an_encoder_from_elsewhere_nothing_is_made_up(findings) -> None:
    text = citation_text(cited(findings, [made_up()], VERSIONS))
    assert "of the user's own" in text and "expects the middle" in text
    assert "Galaxy Zoo 2" not in text
    # a name alone makes no shipped encoder
    assert "Galaxy Zoo 2" not in citation_text(
        cited(findings, [made_up(name="efficientnet_b0")], VERSIONS)
    )
    zoobot = made_up(source="hf_hub:mwalmsley/zoobot-encoder-convnext_nano")
    used = cited(findings, [zoobot, load("default")], VERSIONS)
    assert {"walmsley2023zoobot", "willett2013"} <= set(keys_of(citation_bib(used)))
    assert citation_text(used).count("SHA-256") == 2
