"""What a paper that uses a run cites: its method, encoder, data and software."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from skerry.publish.findings import Findings
from skerry.publish.footprint import has_footprint
from skerry.publish.references import OF_LIBRARY, entries, fields, line, short
from skerry.represent.encoder import Encoder, file_of, shipped
from skerry.store import write_text

_GALAXY_ZOO = (
    "the public challenge release of Galaxy Zoo 2: cutouts of galaxies of the Sloan Digital Sky "
    "Survey, with volunteers' votes (without those on odd features) and class labels"
)
_OF_NETWORK = {"efficientnet": "tan2019", "maxvit": "tu2022"}
_OF_SOURCE = {"mwalmsley/": "walmsley2023zoobot", "zoobot": "walmsley2023zoobot"}


@dataclass(frozen=True)
class Cited:
    """One thing that was used: what to say of it, and the keys of what to cite."""

    heading: str
    sentence: str
    keys: tuple[str, ...]


def cited(
    findings: Findings, encoders: Sequence[Encoder], versions: Mapping[str, str]
) -> list[Cited]:
    """All that a run used and that has something to cite, in the order of a paper.

    Parameters
    ----------
    encoders : the encoder and the second one, where there are; none for given representations
    versions : of the libraries that its stages were made with, by name
    """
    return [
        _method(findings),
        *(_encoder(encoder) for encoder in encoders),
        *([] if encoders else [Cited("Representations", _GIVEN, ())]),
        _data(findings),
        *_software(findings, bool(encoders), versions),
    ]


_GIVEN = "They were given, not made by skerry: cite the network and the data that made them."


def _method(findings: Findings) -> Cited:
    route = findings.config.clusters.route
    sentence = f"Rare classes in a deep representation, by the route {route}. "
    if route == "graph":
        sentence += "They are, and are held against, communities of the neighbor graph; "
    else:
        sentence += "They are held against communities of the neighbor graph; "
    keys = ["walmsley2023rare", "levine2015", "blondel2008"]
    if _by_hdbscan(findings):
        which = "that of a repeated search" if route == "graph" else "theirs"
        sentence += f"the hierarchy, {which}, is HDBSCAN's; "
        keys.append("campello2013")
    return Cited("Method", f"{sentence}the map is UMAP's.", (*keys, "mcinnes2018umap"))


def _by_hdbscan(findings: Findings) -> bool:
    """Whether a search was by the route ``umap-hdbscan``, as one of the repeated ones is."""
    config = findings.config
    repeated = config.replication.subsamples or config.replication.seeds
    return bool(repeated) or config.clusters.route == "umap-hdbscan"


def _encoder(encoder: Encoder) -> Cited:
    sentence = f"{encoder.name}, SHA-256 {encoder.sha256}"
    keys = [key for name, key in _OF_NETWORK.items() if encoder.architecture.startswith(name)]
    if encoder.architecture:
        sentence += f", architecture {encoder.architecture}"
    if _ships(encoder):
        sentence += f". It ships with skerry and was trained on {_GALAXY_ZOO}."
        keys += ["willett2013", "york2000"]
    else:
        origin = f"imported from {encoder.source}" if encoder.source else "of the user's own"
        sentence += (
            f". It is {origin}. What it was trained on is for its makers to say; it expects "
            f"{encoder.contract.field or 'a field of view that it does not say'}."
        )
        keys += [k for name, k in _OF_SOURCE.items() if name in encoder.source.lower()]
    return Cited("Encoder", sentence, tuple(dict.fromkeys(keys)))


def _ships(encoder: Encoder) -> bool:
    """Whether it is the very file that ships; a name alone says nothing."""
    if encoder.name not in shipped():
        return False
    return hashlib.sha256(file_of(encoder.name).read_bytes()).hexdigest() == encoder.sha256


def _data(findings: Findings) -> Cited:
    name = " ".join(findings.provenance.get("input", "the input").split())
    return Cited(
        "Data",
        f"{name}: {findings.n_sources:,} sources, {findings.n_searched:,} of them searched. Cite "
        "the survey that they are of and acknowledge it in the words that it asks for: skerry "
        "does not know which it is.",
        (),
    )


def _software(findings: Findings, encoded: bool, versions: Mapping[str, str]) -> list[Cited]:
    unused = set() if encoded else {"onnxruntime", "opencv-python-headless"}
    if not has_footprint(findings):
        unused.add("mocpy")
    if not _by_hdbscan(findings):
        unused.add("hdbscan")
    return [
        Cited("Software", f"{name} {versions[name]}", keys)
        for name, keys in OF_LIBRARY.items()
        if name in versions and name not in unused
    ]


def citation_text(used: Sequence[Cited]) -> str:
    """It as plain text, by heading, and a sentence for the acknowledgments."""
    lines, heading = ["What to cite for this run; entries for BibTeX are in CITATION.bib."], ""
    for one in used:
        if one.heading != heading:
            lines += ["", one.heading, "-" * len(one.heading)]
            heading = one.heading
        lines.append(one.sentence)
        lines += [f"    {line(key)}" for key in one.keys if key != "skerry"]
    software = [_acknowledged(one) for one in used if one.heading == "Software"]
    lines += ["", "For the acknowledgments", "-" * 23]
    lines.append(f"This work made use of {', '.join(software)}.")
    return "\n".join(lines) + "\n"


def _acknowledged(one: Cited) -> str:
    papers = [short(key) for key in one.keys if "year" in fields(key)]
    return f"{one.sentence} ({'; '.join(papers)})" if papers else one.sentence


def citation_bib(used: Sequence[Cited]) -> str:
    """The entries for BibTeX, each once; programs without a paper carry their version."""
    made: dict[str, str] = {}
    for one in used:
        for key in one.keys:
            entry = entries()[key]
            if entry.startswith("@misc") and one.heading == "Software":
                version = one.sentence.rpartition(" ")[2]
                entry = f"{entry[:-1]}  version = {{{version}}},\n}}"
            made.setdefault(key, entry)
    return "\n\n".join(made.values()) + "\n"


def write_citation(
    findings: Findings, encoders: Sequence[Encoder], versions: Mapping[str, str], folder: Path
) -> list[Path]:
    """Write ``CITATION.txt`` and ``CITATION.bib``.

    Raises
    ------
    DiskError
        The folder cannot be written.
    """
    used = cited(findings, encoders, versions)
    made = {"CITATION.txt": citation_text(used), "CITATION.bib": citation_bib(used)}
    for name, text in made.items():
        write_text(folder / name, text)
    return [folder / name for name in made]
