"""Is `subtle` right where the truth is known?

    python benchmarks/examine_subtle.py WORK [RUN] [-o benchmarks/examine_subtle.md]

Featureless data: in how many surveys is anything at all found in any of the altered
representations? Groups hidden under what a column tells: how often does the search find them as
the representation is, and how often where the column is taken out? RUN, a finished run of a
simulated sky: what is found in it, by the kind of most members. Cases are kept in WORK, so that the
script can stop and go on.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tables import Results, publish, share, table

from skerry.config import from_mapping
from skerry.examine import ExamineConfig
from skerry.examine.searching.again import Found, judged_together, search_again
from skerry.examine.searching.altered import Altered, altered
from skerry.examine.subtle import subtle
from skerry.examining import examine, subject_of_run
from skerry.types import IntArray

sys.path.append(str(Path(__file__).parents[1]))
from tests.examine.made import subject_of

HERE = Path(__file__).parent
NULLS = 20
FEATURELESS, HIDDEN = 100, 10
SIZES, LENGTHS = (12, 25), (0.0, 4.0, 30.0)
CONFIG = from_mapping(
    {
        "neighbors": {"k": 20},
        "nulls": {"n": NULLS, "scales": "2"},
        "replication": {"subsamples": 0, "seeds": 0},
        "classes": {"min_size": 8, "max_share": 0.1},
    }
)
"""No search is repeated, so that nothing is confirmed: tentative is what passes the nulls."""


def featureless(seed: int) -> bool:
    """Whether anything is found in normal deviates, of which columns tell some."""
    rng = np.random.default_rng(seed)
    columns = rng.random((400, 2))
    vectors = rng.normal(size=(400, 6)) * np.linspace(2, 0.5, 6)
    vectors[:, 0] += 6 * columns[:, 0]
    vectors[:, 1] += 4 * np.sin(3 * columns[:, 1])
    votes = np.stack([columns[:, 0], 1 - columns[:, 0]], axis=1).astype(np.float32)
    made = subject_of(
        vectors, [], {"redshift": columns[:, 0], "r50": columns[:, 1]}, config=CONFIG, votes=votes,
        vote_columns=("smooth-or-featured_smooth", "smooth-or-featured_featured"),
    )  # fmt: skip
    answer = subtle(made, ExamineConfig(subtle_nulls=NULLS, joined="redshift"))
    return any(row["verdict"] != "rejected" for row in answer.tables["classes"].to_pylist())


def hidden(size: int, length: float, seed: int) -> tuple[bool, bool, int]:
    """Whether a group is found as the vectors are, and without a column; and what else is."""
    rng = np.random.default_rng([seed, size, round(length)])
    redshift = rng.random(500)
    vectors = rng.normal(size=(500, 8))
    direction = rng.normal(size=8)
    direction /= np.linalg.norm(direction)
    place = np.linalg.qr(np.stack([direction, rng.normal(size=8)], axis=1))[0][:, 1]
    vectors[:size] = 2.5 * place + 0.25 * rng.normal(size=(size, 8))
    vectors += length * np.outer(redshift + 0.5 * redshift**2, direction)
    made = subject_of(vectors, [], {"redshift": redshift}, config=CONFIG)
    rows = np.array([made.row[f"s{i:03d}"] for i in range(size)])
    plain = Altered("as it is", "", np.arange(len(made)), made.space.vectors)
    before = judged_together([search_again(plain, CONFIG)], made)
    searches = [search_again(one, CONFIG) for one in altered(made, ExamineConfig())[0]]
    after = [f for f in judged_together(searches, made) if f.where == "without columns"]
    others = sum(f.kept and not is_group(f, rows) for f in after)
    return found(before, rows), found(after, rows), others


def found(those: Sequence[Found], rows: IntArray) -> bool:
    return any(f.kept and is_group(f, rows) for f in those)


def is_group(one: Found, rows: IntArray) -> bool:
    """Whether half of what the class or the group holds is in both."""
    core = one.members[: one.core]
    both = len(np.intersect1d(core, rows))
    return both >= 0.5 * (len(core) + len(rows) - both)


def of_sky(run: Path) -> list[list[object]]:
    """A row for each class that is not rejected, with the kind of most of its members."""
    settings = ExamineConfig()
    subject = subject_of_run(run, settings, threads=1)
    kinds = np.asarray(subject.attributes.words["truth_kind"])
    (answer,) = examine(run, ["subtle"], settings)
    members = answer.tables["members"].to_pylist()
    rows: list[list[object]] = []
    for one in answer.tables["classes"].to_pylist():
        if one["verdict"] not in ("confirmed", "tentative"):
            continue
        own = [kinds[subject.row[m["id_str"]]] for m in members if m["class"] == one["class"]]
        kind, count = Counter(own).most_common(1)[0]
        total = int((kinds == kind).sum())
        before = f"{one['containment_before']:.1f}, {one['containment']:.1f}"
        known = one["known_class"] or ("new, again" if one["same_as"] else "new")
        rows.append([one["class"], one["verdict"], one["size"], before, f"{one['q_value']:.2g}",
                     known, f"{kind}: {count} of {total}"])  # fmt: skip
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("run", type=Path, nargs="?", help="a finished run of a simulated sky")
    parser.add_argument("-o", "--output", type=Path, default=HERE / "examine_subtle.md")
    args = parser.parse_args()
    kept = Results(args.work, "subtle")
    known = {str(row["case"]) for row in kept.rows().values()}
    for seed in range(FEATURELESS):
        case = {"what": "featureless", "seed": seed}
        if str(case) not in known:
            kept.add(case, {"found": featureless(seed)})
    for size in SIZES:
        for length in LENGTHS:
            for seed in range(HIDDEN):
                case = {"what": "hidden", "size": size, "length": length, "seed": seed}
                if str(case) not in known:
                    before, after, others = hidden(size, length, seed)
                    kept.add(case, {"before": before, "after": after, "others": others})
    rows = [{**row["case"], **row} for row in kept.rows().values()]
    none = [row["found"] for row in rows if row["what"] == "featureless"]
    cells, others = [], 0
    for size in SIZES:
        for length in LENGTHS:
            own = [r for r in rows if r["what"] == "hidden" and r["size"] == size
                   and r["length"] == length]  # fmt: skip
            others += sum(r["others"] > 0 for r in own)
            cells.append([size, 1.5 * length, share(sum(r["before"] for r in own), len(own)),
                          share(sum(r["after"] for r in own), len(own))])  # fmt: skip
    searched = len(SIZES) * len(LENGTHS) * HIDDEN
    parts = [
        f"Featureless surveys of 400 sources, searched without votes, without columns, without "
        f"leading components, and with a column joined; {NULLS} nulls of each kind: anything found "
        f"in any of these in {share(sum(none), len(none))}; 5% is asked for.",
        "A group of so many sources among 500, alike in 8 dimensions but for its redshifts, which "
        "spread all sources along one direction over so many standard deviations of the others: "
        f"how often it is found, of {HIDDEN} surveys each. Something else was called a class too "
        f"in {share(others, searched)} of them.",
        table(["sources", "spread", "as it is", "without columns"], cells),
    ]
    if args.run:
        heads = ["class", "verdict", "size", "containment in the run's, in this", "q",
                 "class of the run", "kind of most members"]  # fmt: skip
        parts += [
            "A simulated sky: all that is not rejected in any altered representation.",
            table(heads, of_sky(args.run)),
        ]
    publish("\n\n".join(parts), "Classes that are not obvious", args.output)


if __name__ == "__main__":
    main()
