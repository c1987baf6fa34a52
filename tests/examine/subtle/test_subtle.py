"""The search made again where the obvious is taken out, or more is joined to it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from skerry.answer import Answer
from skerry.errors import CannotAnswerError, ConfigError
from skerry.examine import ExamineConfig
from skerry.examine.searching.again import Searched, judged_together, search_again
from skerry.examine.searching.altered import Altered, altered
from skerry.examine.subtle import subtle
from skerry.types import Candidate, Measures
from tests.examine.made import SMALL, subject_of

N, D = 400, 6
HIDDEN = np.arange(20)
OBVIOUS = np.arange(20, 40)
QUICK = ExamineConfig(subtle_nulls=19)
# as many neighbors as a group has members, and partitions into groups of that size
SET_UP = replace(
    SMALL,
    neighbors=replace(SMALL.neighbors, k=20),
    classes=replace(SMALL.classes, min_size=10),
)
# no search by UMAP, which takes seconds
ONCE = replace(SET_UP, replication=replace(SET_UP.replication, subsamples=0, seeds=0))


def sky(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Vectors (400, 6) that redshift fills, and redshifts (400,).

    The first 20 are alike in all but redshift, which spreads them over the whole survey; the next
    20 are alike in all.
    """
    rng = np.random.default_rng(seed)
    redshift = rng.random(N)
    rest = rng.normal(size=(N, D))
    rest[HIDDEN] = [0, 3.0, 0, 0, 0, 0] + 0.1 * rng.normal(size=(20, D))
    rest[OBVIOUS] = [0, 0, 3.0, 0, 0, 0] + 0.1 * rng.normal(size=(20, D))
    redshift[OBVIOUS] = 0.5 + 0.002 * rng.normal(size=20)
    rest[:, 0] += 12 * redshift
    rest[:, 5] += 8 * redshift**2
    return rest.astype(np.float32), redshift


def found(answer: Answer, group: np.ndarray, search: str) -> list[dict[str, object]]:
    """The classes, not rejected, of a search of which the group is more than half, and back."""
    members = answer.tables["members"].to_pylist()
    names = {f"s{i:03d}" for i in group}
    rows = []
    for row in answer.tables["classes"].to_pylist():
        own = {m["id_str"] for m in members if m["class"] == row["class"] and m["core"]}
        if row["search"] == search and len(own & names) >= 0.6 * len(own | names):
            rows.append(row)
    return rows


def test_a_class_hidden_under_what_a_column_tells_is_found_where_that_is_taken_out() -> None:
    vectors, redshift = sky()
    made = subject_of(vectors, [OBVIOUS], {"redshift": redshift}, config=SET_UP)
    answer = subtle(made, QUICK)
    (hidden,) = found(answer, HIDDEN, "without columns")
    assert hidden["verdict"] in ("confirmed", "tentative") and hidden["new"]
    assert hidden["containment"] > 2 * hidden["containment_before"]  # type: ignore[operator]
    (known,) = found(answer, OBVIOUS, "without columns")
    assert not known["new"] and known["known_class"] == "SKR-s020"
    assert "without columns (overlap" in answer.of_class["SKR-s020"]
    # found without columns and without leading components it is one class
    assert "New to the run: 1 class, 1 without" in answer.sentence
    (search,) = [
        r for r in answer.tables["searches"].to_pylist() if r["search"] == hidden["search"]
    ]
    assert "redshift" in search["what"] and search["new"] >= 1
    plot = answer.plots[0]
    lines = dict(zip((plot.series[-1].y + 0.35).tolist(), plot.series[-1].x.tolist(), strict=True))
    at = float(plot.y_ticks.index(str(hidden["search"])))
    assert lines[at] == pytest.approx(search["null_95"])
    # a containment may be below 0
    assert not plot.x_log and "standard deviations" in plot.caption
    new = next(s for s in plot.series if s.label == "a new class")
    assert (at, hidden["containment"]) in set(zip(new.y.tolist(), new.x.tolist(), strict=True))
    # the run's own search, as a control, does not find it
    plain = Altered("as it was", "", np.arange(len(made)), made.space.vectors)
    again = search_again(plain, replace(ONCE, nulls=replace(ONCE.nulls, n=19)))
    rows = {made.row[f"s{i:03d}"] for i in HIDDEN}
    for one in judged_together([again], made):
        overlap = len(rows & set(one.members.tolist())) / len(rows | set(one.members.tolist()))
        assert one.verdict == "rejected" or overlap < 0.3


def test_nothing_is_found_in_featureless_data_at_the_stated_rate() -> None:
    """The chance of any discovery in all searches of one survey together is that asked for."""
    false = 0
    seeds = range(6)
    for seed in seeds:
        rng = np.random.default_rng(1000 + seed)
        redshift = rng.random(300)
        vectors = rng.normal(size=(300, 4)) @ np.diag([3, 1, 1, 1])
        vectors[:, 0] += 5 * redshift
        made = subject_of(vectors, [], {"redshift": redshift}, config=ONCE)
        answer = subtle(made, QUICK)
        false += any(row["verdict"] != "rejected" for row in answer.tables["classes"].to_pylist())
    assert false <= binom.ppf(0.999, len(seeds), 0.05)


def searched(name: str, containment: list[float], nulls: list[list[float]]) -> Searched:
    """A search of what was found by hand; its candidates are only as many as are measured."""

    def measures(values: list[float]) -> Measures:
        v = np.array(values)
        # whatever else is measured of a group plays no part
        return Measures(v * 0 + 10, v, v * 0 - v, v * 0 + 1, v * 0, v)

    one = subject_of(np.random.default_rng(0).normal(size=(300, 3)), [])
    group = [np.arange(10 * i, 10 * i + 10) for i in range(len(containment))]
    candidates = [Candidate(rows, np.ones(10, np.float32), 0.5) for rows in group]
    made = {"shuffled": [measures(v) for v in nulls], "smooth-2": [measures(v) for v in nulls]}
    where = Altered(name, "", np.arange(300), one.space.vectors)
    return Searched(where, one.space, ONCE, candidates, measures(containment), made)


def test_all_searches_are_judged_as_one() -> None:
    """p and q count what is found by chance in any of the searches."""
    quiet, loud = [[3.0]] * 39, [[3.0]] * 38 + [[18.0]]
    made = subject_of(np.random.default_rng(0).normal(size=(300, 3)), [])
    alone = judged_together([searched("a", [6.0], quiet)], made)
    assert alone[0].p == pytest.approx(1 / 40) and alone[0].verdict != "rejected"
    both = judged_together([searched("a", [6.0], quiet), searched("b", [], loud)], made)
    assert both[0].p == both[0].q == pytest.approx(2 / 40)
    assert both[0].verdict == "rejected" and "is chance" in both[0].reasons[0]
    many = judged_together([searched("a", [6.0, 6.0], quiet), searched("b", [6.0], quiet)], made)
    assert [one.q for one in many] == pytest.approx([1 / 120] * 3)


def test_a_representation_with_better_contained_chance_groups_does_not_drown_another() -> None:
    """Containments count in units of what chance gives in the same representation."""
    made = subject_of(np.random.default_rng(0).normal(size=(300, 3)), [])
    firm = [[8.0]] * 39
    plain, more, less = judged_together(
        [searched("a", [6.0], [[3.0]] * 39), searched("b", [10.0, 7.0], firm)], made
    )
    assert plain.p == more.p == pytest.approx(1 / 40)
    assert less.p == 1 and less.q == pytest.approx(79 / 120) and less.verdict == "rejected"


def test_chance_groups_that_are_no_groups_of_the_graph_turn_no_sign() -> None:
    """By umap-hdbscan chance groups may be worse contained than is usual."""
    made = subject_of(np.random.default_rng(0).normal(size=(300, 3)), [])
    (one,) = judged_together([searched("a", [3.0], [[-1.0, 0.01]] * 39)], made)
    assert one.p == one.q == pytest.approx(1 / 40)


def test_what_is_searched_again_follows_from_what_the_run_has() -> None:
    vectors, redshift = sky()
    votes = np.stack([redshift, 1 - redshift], axis=1).astype(np.float32)
    columns = ("smooth-or-featured_smooth", "smooth-or-featured_featured")
    half = np.where(np.arange(N) < 350, redshift, np.nan)
    full = subject_of(vectors, [], {"redshift": half, "g_r": 2 * half}, None, None, votes, columns)
    made, notes = altered(full, ExamineConfig(joined="redshift"))
    names = [one.name for one in made]
    assert names == ["without votes", "without columns", "without leading components", "joined"]
    assert "the 2 expected votes tell (74% of the variance)" in made[0].said
    assert len(made[1].rows) == 350 and made[3].vectors.shape == (350, D + 1)
    assert any("50 sources lack a value" in note for note in notes)
    bare, notes = altered(subject_of(vectors, []), ExamineConfig())
    assert [one.name for one in bare] == ["without leading components"]
    assert any("expects no votes" in n for n in notes) and any("columns=NAME" in n for n in notes)


def test_common_types_are_searched_by_themselves() -> None:
    rng = np.random.default_rng(4)
    smooth = rng.random(700)
    votes = np.stack([smooth, 1 - smooth, smooth], axis=1).astype(np.float32)
    columns = ("smooth-or-featured_smooth", "smooth-or-featured_featured", "bar_yes")
    made = subject_of(rng.normal(size=(700, 3)), [], None, None, None, votes, columns)
    within = [one for one in altered(made, ExamineConfig())[0] if one.name.startswith("within")]
    assert [one.name for one in within] == ["within smooth", "within featured"]
    for one, column in zip(within, (0, 1), strict=True):
        np.testing.assert_array_equal(one.rows, np.flatnonzero(made.votes[:, column] > 0.5))
        np.testing.assert_array_equal(one.vectors, made.space.vectors[one.rows])


def test_the_order_of_the_rows_changes_nothing() -> None:
    vectors, redshift = sky(2)
    order = np.random.default_rng(5).permutation(N)
    where = np.argsort(order)
    one = subject_of(vectors, [OBVIOUS], {"redshift": redshift}, config=ONCE)
    other = subject_of(
        vectors[order], [where[OBVIOUS]], {"redshift": redshift[order]}, config=ONCE,
        ids=[f"s{i:03d}" for i in order],
    )  # fmt: skip
    a, b = (subtle(made, ExamineConfig(subtle_nulls=3)) for made in (one, other))
    assert a.sentence == b.sentence and a.of_class == b.of_class
    for name, table in a.tables.items():
        assert table.equals(b.tables[name]), name


def test_what_cannot_be_answered_is_said() -> None:
    vectors, redshift = sky()
    with pytest.raises(CannotAnswerError, match="100 sources are too few"):
        subtle(subject_of(vectors[:100], []), QUICK)
    made = subject_of(vectors, [], {"redshift": redshift, "flat": np.ones(N)})
    with pytest.raises(ConfigError, match="no column 'mass'"):
        subtle(made, replace(QUICK, joined="mass"))
    with pytest.raises(ConfigError, match="no column 'mass'"):
        subtle(made, replace(QUICK, columns="mass"))
    with pytest.raises(CannotAnswerError, match="flat with different values"):
        subtle(made, replace(QUICK, joined="flat"))
