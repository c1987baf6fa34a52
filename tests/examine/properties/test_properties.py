"""A property planted to differ is found, one planted equal is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skerry.errors import CannotAnswerError, ConfigError
from skerry.examine import ExamineConfig
from skerry.examine.columns import stand_ins
from skerry.examine.environment import surface_density
from skerry.examine.properties import properties
from skerry.examine.properties.shown import MATCHED, SEA
from tests.examine.made import subject_of

N, GROUP = 400, 40


def columns(seed: int) -> dict[str, np.ndarray]:
    """``mass`` is higher in the class, ``size`` follows it, ``same`` is as in all others."""
    rng = np.random.default_rng(seed)
    mass = rng.normal(size=N)
    mass[:GROUP] += 1.0
    return {"same": rng.normal(size=N), "mass": mass, "size": mass + 0.7 * rng.normal(size=N)}


VECTORS = np.random.default_rng(5).normal(size=(N, 4))
BASE = subject_of(VECTORS, [np.arange(GROUP)])


def examined(numbers: dict[str, np.ndarray], **settings: object) -> list[dict[str, object]]:
    subject = subject_of(VECTORS, [np.arange(GROUP)], numbers)
    return properties(subject, ExamineConfig(**settings)).tables["properties"].to_pylist()  # type: ignore[arg-type]


def test_what_differs_is_found_and_matching_takes_out_what_follows_from_it() -> None:
    rows = {(r["column"], r["against"]): r for r in examined(columns(0), matched="mass")}
    assert rows["mass", SEA]["differs"] and rows["size", SEA]["differs"]
    assert not rows["same", SEA]["differs"] and not rows["same", MATCHED]["differs"]
    assert not rows["size", MATCHED]["differs"]
    assert ("mass", MATCHED) not in rows
    assert rows["mass", SEA]["effect_low"] > 0.2  # type: ignore[operator]


def test_over_a_hundred_seeds_equal_properties_are_seldom_called_different() -> None:
    wrong, missed = 0, 0
    for seed in range(100):
        rng = np.random.default_rng([9, seed])
        equal = {f"c{i}": rng.normal(size=N) for i in range(3)}
        wrong += any(r["differs"] for r in examined({**equal}))
        missed += not any(
            r["differs"] for r in examined(columns(seed), matched="mass") if r["column"] == "mass"
        )
    assert wrong <= 11  # 5% of 100, and what a binomial of that gives once in a hundred
    assert missed == 0


@settings(max_examples=10)
@given(st.randoms(use_true_random=False))
def test_the_order_of_sources_changes_nothing(random: object) -> None:
    order = np.array(random.sample(range(N), N))  # type: ignore[attr-defined]
    place = np.argsort(order)
    numbers = columns(3)
    one = properties(
        subject_of(VECTORS, [np.arange(GROUP)], numbers), ExamineConfig(matched="mass")
    )
    names = [f"s{i:03d}" for i in order]
    moved = subject_of(
        VECTORS[order], [place[:GROUP]], {k: v[order] for k, v in numbers.items()}, ids=names
    )
    other = properties(moved, ExamineConfig(matched="mass"))
    assert one.tables["properties"].equals(other.tables["properties"])
    assert one.sentence == other.sentence and one.of_class == other.of_class


def test_what_cannot_be_compared_is_named() -> None:
    numbers = {**columns(1), "flat": np.ones(N), "few": np.where(np.arange(N) < 5, 1.0, np.nan)}
    answer = properties(subject_of(VECTORS, [np.arange(GROUP)], numbers), ExamineConfig())
    notes = " ".join(answer.notes)
    assert "'flat' was left out: all values are 1" in notes
    assert "'few' was left out: only 5 sources have a value" in notes
    assert "no positions" in notes
    with pytest.raises(ConfigError, match="no column 'nothing'"):
        properties(BASE, ExamineConfig(columns="nothing"))
    named = subject_of(VECTORS, [np.arange(GROUP)], columns(1), {"kind": ["a"] * N})
    with pytest.raises(CannotAnswerError, match="'kind' holds no numbers; give columns that do"):
        properties(named, ExamineConfig(columns="kind"))
    with pytest.raises(CannotAnswerError, match=r"table=FILE"):
        properties(BASE, ExamineConfig())
    with pytest.raises(CannotAnswerError, match="no class"):
        properties(subject_of(VECTORS, [], columns(0)), ExamineConfig())


def test_the_truth_of_a_simulation_is_not_looked_at_unless_named() -> None:
    numbers = {"truth_mass": columns(0)["mass"], "mass": columns(0)["mass"]}
    assert {r["column"] for r in examined(numbers)} == {"mass"}
    assert {r["column"] for r in examined(numbers, columns="truth_mass")} == {"truth_mass"}


def test_a_crowded_class_is_seen_on_the_sky() -> None:
    rng = np.random.default_rng(2)
    positions = np.stack([rng.uniform(10, 14, N), rng.uniform(-2, 2, N)], axis=1)
    positions[:GROUP] = [12, 0] + 0.05 * rng.normal(size=(GROUP, 2))
    subject = subject_of(VECTORS, [np.arange(GROUP)], positions=positions)
    answer = properties(subject, ExamineConfig())
    [row] = answer.tables["properties"].to_pylist()
    assert row["column"] == "environment" and row["differs"] and row["effect"] > 0.8
    assert "environment higher" in next(iter(answer.of_class.values()))


def test_the_density_on_the_sky_is_in_sources_per_square_degree() -> None:
    grid = np.stack(np.meshgrid(np.arange(40) * 0.1, np.arange(40) * 0.1), axis=-1).reshape(-1, 2)
    density = surface_density(grid.astype(float))
    inner = density.reshape(40, 40)[10:30, 10:30]
    # the 5th nearest of a grid lies a diagonal away: 5 in a circle of that radius
    np.testing.assert_allclose(inner, np.log10(5 / (np.pi * 2 * 0.1**2)), atol=1e-2)
    grid[0] = np.nan
    assert np.isnan(surface_density(grid.astype(float))[0])
    pole = np.array([[ra, 89.99] for ra in (0.0, 60, 120, 180, 240, 300)] + [[0.0, -80]])
    assert surface_density(pole)[0] > 3
    with pytest.raises(CannotAnswerError, match="only 3 sources"):
        surface_density(pole[:3])


def test_columns_that_no_control_can_be_alike_in_are_refused() -> None:
    made = subject_of(VECTORS, [np.arange(GROUP)], {**columns(1), "flat": np.ones(N)})
    with pytest.raises(CannotAnswerError, match=r"no controls can be matched: .*'flat'"):
        properties(made, ExamineConfig(matched="flat"))
    answer = properties(made, ExamineConfig(matched="flat,mass"))
    assert "controls matched on mass in at least" in answer.sentence
    assert any(note.startswith("To match controls: Column 'flat'") for note in answer.notes)


def test_columns_without_values_in_a_class_are_named() -> None:
    mass = np.where(np.arange(N) < GROUP - 3, np.nan, columns(1)["mass"])
    made = subject_of(VECTORS, [np.arange(GROUP)], {**columns(1), "mass": mass})
    notes = properties(made, ExamineConfig(matched="same")).notes
    for against in (SEA, MATCHED):
        said = f"SKR-s000: not compared with the {against}, as fewer than 5 members or others have"
        assert any(note.startswith(said) and note.endswith("a value: 'mass'.") for note in notes)


def test_values_that_may_stand_for_none_are_noted() -> None:
    rng = np.random.default_rng(2)
    magnitude, few = rng.uniform(14, 22, N), rng.integers(3, size=N).astype(float)
    assert stand_ins(magnitude) == stand_ins(few) == stand_ins(rng.standard_cauchy(N)) == []
    magnitude[[50, 60, 70]], magnitude[[80, 90]], magnitude[100] = -99, 99, 1e9
    assert stand_ins(np.where(magnitude == 1e9, np.nan, magnitude)) == [(-99, 3), (99, 2)]
    assert stand_ins(magnitude) == []  # the one that is furthest is alone
    magnitude[100] = np.nan
    made = subject_of(VECTORS, [np.arange(GROUP)], {"mag": magnitude})
    notes = properties(made, ExamineConfig()).notes
    assert any("Column 'mag': 3 sources have -99, far from all others" in note for note in notes)
