"""Does `label_independence` tell what the votes hold from what they do not?

    python benchmarks/examine_label_independence.py WORK [--part PART] [-o FILE.md]

Trials are kept in WORK, so that it can stop and go on. The galaxies, and the chances with which
volunteers answer, are those of a simulated sky (the tree of Galaxy Zoo DECaLS); 40 volunteers
vote on each. Nulls: the representation holds the chances and nothing else, and the target is a
random smooth function of them, with as much noise: how often is it said to hold more than the
votes? Beside it a test that takes observed votes as if they had no noise. Power: a property that
the votes do not hold is put into representation and target. Classes: of a sky that the shipped
encoder looked at, groups made by its predicted votes alone, groups made by what these leave, groups
at random, and the kinds of the truth.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from subjects import subject_of, truth, with_classes
from tables import Results, key, publish, share, table

from skerry.discover import space_of
from skerry.examine import Subject
from skerry.examine.label_independence.classes import by_votes
from skerry.examine.label_independence.conditional_gain import gains
from skerry.examine.label_independence.crossfit import Crossed, curved, folds, standardized
from skerry.examine.label_independence.latent_votes import by_question
from skerry.examine.label_independence.same_votes import nearest
from skerry.examine.label_independence.votes_of_classes import BY_VOTES, NOT_BY_VOTES
from skerry.examine.label_independence.voting import OBSERVED, PREDICTED, Votes, votes_of
from skerry.represent.encode import encode
from skerry.represent.encoder import load
from skerry.represent.trees.schema import get
from skerry.simulate.plan import plan
from skerry.simulate.sky import sky_of
from skerry.simulate.survey import simulate
from skerry.simulate.votes import answer_probabilities
from skerry.survey import open_survey
from skerry.types import DoubleArray

HERE = Path(__file__).parent
TREE = get("decals_dr5")
POOL, POOL_SEED = 3000, 51
DIMENSIONS, WORLDS = 64, 19
CONCENTRATION = 15.0
ALPHA = 0.05
SKY_SEEDS, SKY_SOURCES, GROUPS, GROUP = (52, 53), 2000, 10, 30
KINDS = ("ring", "one-armed", "merging-pair", "shredded", "low-mass-unbarred", "satellite-trail",
         "bad-sky", "missing-band")  # fmt: skip


@dataclass(frozen=True)
class Design:
    """``looks``: how the representation holds the chances; ``hidden``: the share of the variance
    that the votes leave of the target which is of a property they do not hold."""

    part: str
    kind: str
    looks: str
    scatter: bool
    n: int
    trials: int
    hidden: float = 0.0


NOISY, CURVED = "votes plus noise", "curved function"
DESIGNS = (
    *(
        Design("nulls", kind, looks, scatter, 500, 100)
        for kind, looks, scatter in (
            (OBSERVED, NOISY, False),
            (PREDICTED, NOISY, False),
            (OBSERVED, CURVED, False),
            (OBSERVED, NOISY, True),
            (PREDICTED, CURVED, False),
        )
    ),
    *(
        Design("power", kind, NOISY, False, 500, 20, hidden)
        for kind in (PREDICTED, OBSERVED)
        for hidden in (0.02, 0.05, 0.1)
    ),
    *(Design("large", OBSERVED, looks, False, 3000, 10) for looks in (NOISY, CURVED)),
)


def pool(work: Path) -> DoubleArray:
    """The chances (POOL, answers) of each galaxy's answers, of those asked."""
    path = work / "chances.npy"
    if not path.exists():
        sky = sky_of("sdss", n=POOL, seed=POOL_SEED)
        looks = [source.drawn(sky).appearance for source in plan(sky)]
        np.save(path, [np.concatenate(list(answer_probabilities(a, TREE).values())) for a in looks])
    found: DoubleArray = np.load(path)
    return found


def voted(chances: DoubleArray, scatter: bool, rng: np.random.Generator) -> DoubleArray:
    """Votes of 40 volunteers, who follow the chances, or shares that scatter about them."""
    if scatter:
        chances = by_question(rng.standard_gamma(CONCENTRATION * chances) + 1e-12, TREE)
    counts = np.zeros_like(chances)
    for question, s in zip(TREE.questions, TREE.slices, strict=True):
        asked = np.full(len(chances), 40)
        if question.asked_if:
            asked = counts[:, TREE.leading(question)].sum(axis=1).astype(int)
        counts[:, s] = rng.multinomial(asked, chances[:, s])
    return counts


def smooth(values: DoubleArray, outputs: int, rng: np.random.Generator) -> DoubleArray:
    """Sums of sines of random projections: not the functions that the worlds are made of."""
    plain = (values - values.mean(axis=0)) / values.std(axis=0).mean()
    waves = plain @ rng.normal(size=(plain.shape[1], 64)) / np.sqrt(plain.shape[1])
    return standardized(np.sin(waves + 2 * np.pi * rng.random(64)) @ rng.normal(size=(64, outputs)))


def trial(design: Design, seed: int, chances: DoubleArray) -> dict[str, float]:
    rng = np.random.default_rng([seed, 9])
    p = chances[np.sort(rng.permutation(len(chances))[: design.n])]
    held = np.sqrt(TREE.cumulative(p))
    if design.looks == NOISY:
        vectors = np.zeros((len(p), DIMENSIONS))
        vectors[:, : held.shape[1]] = held
    else:
        vectors = smooth(held, DIMENSIONS, rng)
    vectors = vectors + 0.01 * vectors.std() * rng.normal(size=vectors.shape)
    nuisance = rng.normal(size=(len(p), 2))
    y = smooth(np.concatenate([held, 0.2 * standardized(nuisance)], axis=1), 1, rng)
    y = y + rng.normal(size=y.shape)
    if design.hidden:
        hidden = rng.normal(size=(len(p), 1))
        vectors[:, [-1]] += 0.3 * hidden
        y = y + np.sqrt(design.hidden / (1 - design.hidden)) * hidden
    rows = np.arange(len(p))
    counts = voted(p, design.scatter, rng)
    votes = Votes(design.kind, TREE, rows, p if design.kind == PREDICTED else counts)
    [found] = gains(votes, vectors, nuisance, y, draws=99, seed=(seed,), worlds=WORLDS)
    values = {"p": found.p, "drawn_p": found.drawn_p, "gain": found.gain, "low": found.low,
              "high": found.high}  # fmt: skip
    if design.kind == OBSERVED:
        taken = Votes(PREDICTED, TREE, rows, by_question(counts + 1e-2, TREE))
        [naive] = gains(taken, vectors, nuisance, y, draws=99, seed=(seed,), worlds=0)
        values["naive_p"] = naive.drawn_p
    return values


def case_of(design: Design, seed: int) -> dict[str, object]:
    return {**vars(design), "seed": seed}


def run_trials(work: Path, parts: Sequence[str]) -> None:
    results, chances = Results(work, "label_independence"), pool(work)
    done = results.rows()
    for design in DESIGNS:
        for seed in range(design.trials) if design.part in parts else ():
            case = case_of(design, seed)
            if key(case) not in done:
                results.add(case, trial(design, seed, chances))


def trials_tables(work: Path) -> list[str]:
    rows = Results(work, "label_independence").rows()
    nulls, power = [], []
    for design in DESIGNS:
        cases = (key(case_of(design, seed)) for seed in range(design.trials))
        found = [rows[case] for case in cases if case in rows]
        if not found:
            continue
        rejected = {
            p: share(sum(row[p] <= ALPHA for row in found), len(found)) if p in found[0] else "-"
            for p in ("p", "drawn_p", "naive_p")
        }
        gain = f"{np.mean([row['gain'] for row in found]):.1%}"
        if design.part == "power":
            power.append([design.kind, f"{design.hidden:.0%}", gain, rejected["p"]])
        else:
            chance = "yes" if design.scatter else "no"
            nulls.append([design.kind, design.looks, chance, design.n, gain, rejected["p"],
                          rejected["drawn_p"], rejected["naive_p"]])  # fmt: skip
    heads = ["votes", "representation", "votes scatter more", "sources", "mean gain", "rejected",
             "randomization alone", "noise ignored"]  # fmt: skip
    return [
        f"Nulls: said to hold more than the votes at {ALPHA:.0%}, with exact 95% intervals. With "
        f"{WORLDS} simulated representations a trial.",
        table(heads, nulls),
        "Power: a property beyond the votes is in the representation, and makes this share of what "
        "the votes leave of the target.",
        table(["votes", "share", "mean gain", "found"], power),
    ]


def looked_at(work: Path, seed: int) -> Subject:
    """A simulated sky through the shipped encoder."""
    sky = sky_of("sdss", n=SKY_SOURCES, seed=seed, kinds={kind: 0.02 for kind in KINDS})
    catalog = work / f"sky-{seed}" / "catalogue.csv"
    if not catalog.exists():
        catalog = simulate(work / f"sky-{seed}", sky, threads=1).catalog
    subject, encoder = subject_of(catalog), load()
    survey = open_survey(catalog, subject.config.sources)
    [(_, found)] = encode(survey, encoder, [range(SKY_SOURCES)], crop=0.75, threads=1)
    row = {name: i for i, name in enumerate(found.id_str)}
    order = [row[name] for name in subject.ids]
    return replace(
        subject,
        space=space_of(found.vectors[order], subject.config.neighbors),
        votes=found.votes[order],
        vote_columns=found.vote_columns,
    )


def groups(places: DoubleArray, rng: np.random.Generator) -> dict[str, list[int]]:
    """Disjoint groups of the nearest to random places."""
    free, found = np.ones(len(places), bool), {}
    for number in range(GROUPS):
        left = np.flatnonzero(free)
        center = int(rng.integers(len(left)))
        near, _ = nearest(places[left], np.array([center]), GROUP - 1)
        rows = left[[center, *near[0]]]
        free[rows] = False
        found[str(number)] = rows.tolist()
    return found


def class_rows(work: Path) -> list[list[object]]:
    verdicts: dict[str, list[str]] = {}
    shares: dict[str, list[float]] = {}
    for seed in SKY_SEEDS:
        subject, rng = looked_at(work, seed), np.random.default_rng(seed)
        votes = votes_of(subject)[0][0]
        vectors = subject.space.vectors.astype(np.float64)
        fold = folds(np.zeros(len(vectors), np.int64), rng)
        beyond = vectors - Crossed(curved(votes.columns, rng), fold).predict(vectors)
        kind = truth(subject, "kind")
        made = {
            "votes alone": groups(votes.places, rng),
            "what votes leave": groups(beyond, rng),
            "at random": groups(rng.normal(size=(len(vectors), 2)), rng),
            **{k: {k: np.flatnonzero(kind == k).tolist()} for k in KINDS},
        }
        for how, rows in made.items():
            for one in by_votes(with_classes(subject, rows), votes, 0):
                verdicts.setdefault(how, []).append(one.verdict)
                shares.setdefault(how, []).append(one.by_votes.share)
        print(seed, flush=True)
    return [
        [how, len(found), found.count(BY_VOTES), found.count(NOT_BY_VOTES),
         len(found) - found.count(BY_VOTES) - found.count(NOT_BY_VOTES),
         f"{np.nanmedian(shares[how]):.0%}" if np.isfinite(shares[how]).any() else "-"]
        for how, found in verdicts.items()
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--part", choices=["nulls", "power", "large", "classes", "tables"])
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    parts = [args.part] if args.part else ["nulls", "power", "large"]
    run_trials(args.work, parts)
    if args.part not in (None, "classes", "tables"):
        return
    heads = ["class", "classes", "explained", "not explained", "between, or not told",
             "median share"]  # fmt: skip
    text = [
        *trials_tables(args.work),
        f"Classes of {len(SKY_SEEDS)} simulated skies of {SKY_SOURCES} sources, groups of {GROUP}, "
        "and what is said of them by predicted votes:",
        table(heads, class_rows(args.work)),
    ]
    publish("\n\n".join(text), "Votes and representation", args.output)


if __name__ == "__main__":
    main()
