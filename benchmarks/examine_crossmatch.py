"""Is `crossmatch` right where the truth is known?

    python benchmarks/examine_crossmatch.py RUN [-o benchmarks/examine_crossmatch.md]

RUN is a finished run of a simulated sky, whose kinds are the labels. Every candidate, rejected
ones too: is the known type named that most members are of, and none where they are of none? Every
kind as if it were a class: would anomalies have shown it? Labels and positions drawn at random: how
often is anything explained that is not, how often is a planted label found, and are as many chance
matches expected as there are?
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
from tables import publish, share, table

from skerry.examine import ExamineConfig, Subject
from skerry.examine.crossmatch import crossmatch
from skerry.examine.crossmatch.anomalies import anomaly_ranks, surfaced
from skerry.examine.crossmatch.enrichment import HELD, enrichments
from skerry.examine.crossmatch.labels import labelling_of
from skerry.examine.crossmatch.matching import chance_matches, match
from skerry.examining import subject_of_run
from skerry.store import nouns

HERE = Path(__file__).parent
SEA = "sea"
SHUFFLES, PLANTED, FIELDS = 1000, 200, 20
ARCSEC = 1 / 3600


def all_of(run: Path) -> Subject:
    """A run with all its candidates as classes, rejected ones too."""
    found = nouns.read_classes(run / "classes" / "classes.json")
    settings = ExamineConfig(classes=",".join(rare.class_id for rare in found))
    return subject_of_run(run, settings, threads=1)


def kinds_of(subject: Subject) -> np.ndarray:
    return np.asarray(subject.attributes.words["truth_kind"])


def candidate_scores(subject: Subject) -> tuple[list[list[object]], str]:
    """A row for each class that a type is named of, and the count over all candidates."""
    kinds = kinds_of(subject)
    answer = crossmatch(subject, ExamineConfig(labels="truth_kind"))
    labels = answer.tables["labels"].to_pylist()
    rows, right, of_none, named_none, wrong = [], 0, 0, 0, 0
    for rare, members in zip(subject.classes, subject.members, strict=True):
        kind, count = Counter(kinds[members].tolist()).most_common(1)[0]
        true = kind if kind != SEA and count > HELD * len(members) else ""
        own = [r for r in labels if r["class_id"] == rare.class_id and r["rediscovered"]]
        named = own[0]["label"].removeprefix("truth_kind: ") if own else ""
        right += bool(true) and named == true
        of_none += not true
        named_none += not true and not named
        wrong += bool(named) and named != true
        if named or true:
            r = own[0]
            odds = f"{r['odds_ratio']:.3g} ({r['odds_low']:.3g} to {r['odds_high']:.3g})"
            rows.append([rare.class_id, rare.verdict, true, named, f"{r['having']}/{r['members']}",
                         f"{r['completeness']:.0%}", odds, f"{r['q_value']:.1g}"])  # fmt: skip
    of_kinds = len(subject.classes) - of_none
    said = (
        f"Of {len(subject.classes)} candidates most members of {of_kinds} are of one kind: "
        f"{right} of these are called that known type. Of the other {of_none}, {named_none} are "
        f"called none; {wrong} are called a type that most members are not of."
    )
    return rows, said


def anomaly_scores(subject: Subject) -> list[list[object]]:
    """A row for each kind, by both methods."""
    kinds = kinds_of(subject)
    ranks = anomaly_ranks(subject.space, 0)
    names = sorted(set(kinds) - {SEA})
    found = surfaced(ranks, [np.flatnonzero(kinds == name) for name in names], 0.05)
    rows = []
    for number, name in enumerate(names):
        own = [s for s in found if s.number == number]
        cells = [f"{s.among_them}, {s.until_seen}{' *' if s.shown else ''}" for s in own]
        rows.append([name, own[0].members, *cells, f"{own[0].by_chance:.0f}"])
    return rows


def shuffled_labels(subject: Subject) -> tuple[int, int]:
    """Surveys with any label enriched, and with any that explains a class, labels at random."""
    kinds = kinds_of(subject)
    kept = [m for c, m in zip(subject.classes, subject.members, strict=True) if len(m) >= 10][:10]
    enriched = explained = 0
    for seed in range(SHUFFLES):
        shuffled = np.random.default_rng(seed).permutation(kinds)
        found = enrichments([labelling_of("kind", shuffled.tolist())], kept, 0.05)
        enriched += any(e.enriched for e in found)
        explained += any(e.rediscovered for e in found)
    return enriched, explained


def planted_labels() -> list[list[object]]:
    """How often a label planted in a class of 20 of 4,000 is called its known type."""
    n, size = 4000, 20
    rows = []
    for inside in (0.2, 0.4, 0.6, 0.8):
        cells = []
        for outside in (0.01, 0.05, 0.15):
            called = held = 0
            for seed in range(PLANTED):
                rng = np.random.default_rng([seed, round(100 * inside), round(100 * outside)])
                has = rng.random(n) < np.where(np.arange(n) < size, inside, outside)
                labelling = labelling_of("kind", np.where(has, "planted", "other").tolist())
                found = enrichments([labelling], [np.arange(size)], 0.05)
                mine = next(e for e in found if e.label == "kind: planted")
                called += mine.rediscovered
                held += bool(has[:size].mean() > HELD)
            cells.append(f"{share(called, PLANTED)}; {held}")
        rows.append([f"{inside:.0%}", *cells])
    return rows


def positions_at_random() -> list[list[object]]:
    """Matches with catalogs that have nothing to do with the sources, and with their own."""
    rows = []
    for per_arcmin in (0.1, 1.0, 10.0, 50.0):
        found = expected = right = 0.0
        for seed in range(FIELDS):
            rng = np.random.default_rng(seed)
            own = np.array([150.0, 2.0]) + 0.2 * rng.random((500, 2))
            n = rng.poisson(per_arcmin * (0.24 * 60) ** 2)
            others = np.array([149.98, 1.98]) + 0.24 * rng.random((n, 2))
            found += (match(own, others, 1.0)[0] >= 0).sum()
            expected += chance_matches(own, others, 1.0).sum()
            there = own + 0.3 * ARCSEC * rng.normal(size=own.shape)
            row, _ = match(own, np.vstack([there, others]), 1.0)
            right += (row == np.arange(500)).sum()
        total = 500 * FIELDS
        rows.append([per_arcmin, total, f"{expected:.0f}", f"{found:.0f}",
                     share(int(right), total)])  # fmt: skip
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="a finished run of a simulated sky")
    parser.add_argument("-o", "--output", type=Path, default=HERE / "examine_crossmatch.md")
    args = parser.parse_args()
    subject = all_of(args.run)
    rows, said = candidate_scores(subject)
    enriched, explained = shuffled_labels(subject)
    heads = ["class", "verdict", "kind of most members", "known type named", "having", "complete",
             "odds ratio", "q"]  # fmt: skip
    parts = [
        f"A simulated sky of {len(subject):,} sources, its kinds as labels. {said}",
        table(heads, rows),
        "Each kind as if it were a class: members among the most anomalous 1% of the sources, how "
        "many are looked through until 3 are met, * where the kind would have been shown.",
        table(["kind", "sources", "isolation forest", "local outlier factor", "3 met in random "
               "order"], anomaly_scores(subject)),
        f"Labels shuffled {SHUFFLES} times, 10 classes: any label enriched in "
        f"{share(enriched, SHUFFLES)} of the surveys, a known type named in "
        f"{share(explained, SHUFFLES)}; 5% is asked for.",
        f"A label planted in a class of 20 among 4,000 sources, {PLANTED} times each: how often it "
        "is called the class's known type; in how many of them more than half of the members have "
        "it, which is asked for. By the label's share of the class (rows) and of the others:",
        table(["share of members", "1% of others", "5%", "15%"], planted_labels()),
        f"Catalogs of random positions, {FIELDS} fields of 500 sources, within 1 arcsec: matches "
        "expected by chance and found; and sources that are in the catalog too, 0.3 arcsec off in "
        "each coordinate (99.6% of them within the radius), matched with their own entry:",
        table(["per arcmin2", "sources", "expected", "found", "own entry"], positions_at_random()),
    ]  # fmt: skip
    publish("\n\n".join(parts), "Known types, and anomalies", args.output)


if __name__ == "__main__":
    main()
