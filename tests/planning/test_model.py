"""Laws of the cost model: it is a pure function, and nothing here runs a search."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry.config import Config, from_mapping
from skerry.planning import Plan, predict
from skerry.planning.model import (
    communities_seconds,
    fitted,
    graph_seconds,
    repeated,
    rest_seconds,
    search_seconds,
    uses_index,
)
from tests.planning.made import MACHINE, RATES, work

SOURCES = st.integers(300, 10**9)
ROUTES = st.sampled_from(["graph", "umap-hdbscan"])


def planned(n: int, **settings: dict[str, object]) -> Plan:
    return predict(work(n), RATES, from_mapping(settings), MACHINE)


def seconds(plan: Plan, stage: str) -> float:
    return next(s.seconds for s in plan.stages if s.name == stage)


@given(SOURCES, st.floats(1.0, 50.0), ROUTES)
def test_more_sources_never_cost_less(n: int, times: float, route: str) -> None:
    # UMAP makes fewer epochs above 10,000 sources, and an index starts above exact_below
    config = {"clusters": {"route": route}, "neighbors": {"exact_below": 0}}
    more = max(int(n * times), n)
    if n <= 10_000 < more:
        n = 25_001
        more = max(more, n)
    few, many = planned(n, **config), planned(more, **config)
    assert many.memory >= few.memory and many.disk >= few.disk
    for before, after in zip(few.stages, many.stages, strict=True):
        if before.name == "nulls" and route == "umap-hdbscan" and more > 10**5:
            # they are as large as before, and the larger the survey the smaller the share fitted
            continue
        assert after.seconds >= before.seconds * (1 - 1e-9), before.name


@given(SOURCES, st.integers(4, 200), st.integers(2, 6), ROUTES)
def test_nulls_cost_in_proportion_to_their_number(
    n: int, nulls: int, times: int, route: str
) -> None:
    config = {"clusters": {"route": route}}
    once = planned(n, nulls={"n": nulls}, **config)
    again = planned(n, nulls={"n": nulls * times}, **config)
    assert seconds(again, "nulls") == pytest.approx(times * seconds(once, "nulls"))
    others = [s for s in once.stages if s.name != "nulls"]
    assert others == [s for s in again.stages if s.name != "nulls"]
    assert seconds(planned(n, nulls={"n": 0}), "nulls") == 0


@given(SOURCES)
def test_encoding_grows_as_the_sources(n: int) -> None:
    assert seconds(planned(n), "representations") == pytest.approx(1e-3 * n)


def test_comparing_every_pair_grows_as_the_square_and_an_index_less() -> None:
    exact = from_mapping({"neighbors": {"exact_below": 10**9}})
    index = Config()
    n = 10**8
    assert graph_seconds(2 * n, RATES, exact) / graph_seconds(n, RATES, exact) == pytest.approx(
        4, rel=0.01
    )
    assert graph_seconds(2 * n, RATES, index) / graph_seconds(n, RATES, index) == pytest.approx(
        2**1.25
    )
    assert search_seconds(10**6, RATES, index, "graph") < search_seconds(
        10**6, RATES, exact, "graph"
    )


def test_communities_cost_what_their_partitions_do() -> None:
    default, other = Config(), from_mapping({"classes": {"min_size": 5}})
    n = 10**5  # of 16, 32 ... 1,024 sources; from 5 on 8 ... 1,024
    assert communities_seconds(n, RATES, default, "graph") == pytest.approx(1.5e-5 * n * 7)
    assert communities_seconds(n, RATES, other, "graph") == pytest.approx(1.5e-5 * n * 8)
    assert communities_seconds(n, RATES, other, "umap-hdbscan") == pytest.approx(1.5e-5 * n * 7)
    assert communities_seconds(1000, RATES, default, "graph") == pytest.approx(1.5e-5 * 1000 * 2)


@pytest.mark.parametrize("rate", [0.0, 5e-5])
def test_where_an_index_found_no_structure_every_pair_is_compared(rate: float) -> None:
    rates = replace(RATES, indexed=rate)
    assert uses_index(10**5, rates, Config()) == (rate > 0)
    assert not uses_index(10**4, rates, Config())
    assert rest_seconds(10**6, rates, Config()) > 0
    notes = predict(work(10**5), rates, Config(), MACHINE).notes
    assert any("inverted index" in note for note in notes) == (rate > 0)


def test_repeated_searches_see_their_share() -> None:
    n = 10**5
    found = repeated(Config(), n)
    sizes = [m for v, m in found if v.kind == "subsample"]
    assert len(sizes) == 10 and all(m == pytest.approx(0.8 * n, rel=1e-3) for m in sizes)
    assert [m for v, m in found if v.kind == "half"] == [n // 2, n // 2]
    assert [v.route for v, _ in found if v.kind == "route"] == ["umap-hdbscan"]
    # a class may hold a share of all, not of what stands in for them
    for n, classes in ((300_000, {"max_share": 0.0005}), (12_000, {"min_size": 550})):
        assert len(repeated(from_mapping({"classes": classes}), n)) == len(found)
    n = 10**5
    none = from_mapping({"replication": {"subsamples": 0, "seeds": 0}})
    assert repeated(none, n) == []
    assert seconds(planned(n, replication={"subsamples": 0, "seeds": 0}), "replication") == 0


def test_a_large_survey_is_judged_by_parts() -> None:
    """Nulls have so many sources and no more, and searches are repeated around classes."""
    million, ten = planned(10**6), planned(10**7)
    for stage in ("nulls", "replication"):
        assert seconds(ten, stage) < 1.5 * seconds(million, stage)
    whole = planned(10**6, nulls={"sources": 10**6}, replication={"whole_below": 10**6})
    for stage in ("nulls", "replication"):
        assert seconds(whole, stage) > 10 * seconds(million, stage)


def test_umap_is_fitted_on_a_part_of_a_large_survey() -> None:
    assert fitted(10**5, Config()) == 10**5
    assert 10**5 < fitted(10**6, Config()) < 2 * 10**5
    n = 10**6
    assert fitted(n, from_mapping({"embedding": {"device": "cuda"}})) == n
    part = planned(n, clusters={"route": "umap-hdbscan"})
    whole = planned(n, clusters={"route": "umap-hdbscan"}, embedding={"whole_below": n})
    assert seconds(whole, "embedding") > 4 * seconds(part, "embedding")
    # featureless data is compressed in the same way
    assert seconds(whole, "nulls") > seconds(part, "nulls")
    memory = {"part": part, "whole": whole}
    of = {k: next(s.memory for s in p.stages if s.name == "embedding") for k, p in memory.items()}
    assert of["part"] < of["whole"]


def test_units_are_seconds_and_bytes() -> None:
    n = 28_302  # benchmarks/memory.md: 837 MB, on two threads
    found = predict(work(n), RATES, Config(), replace(MACHINE, cores=2))
    assert found.seconds == pytest.approx(sum(s.seconds for s in found.stages))
    assert 0.6 * 837e6 < found.memory < 1.5 * 837e6
    representations = next(s for s in found.stages if s.name == "representations")
    assert representations.disk == pytest.approx(n * (4 * (128 + 37) + 40))


def test_threads_shorten_searches_and_take_memory() -> None:
    one = predict(work(10**5), RATES, Config(), replace(MACHINE, cores=1))
    four = predict(work(10**5), RATES, Config(), MACHINE)
    assert seconds(one, "nulls") == pytest.approx(3 * seconds(four, "nulls"))
    assert four.memory > one.memory


def test_partitions_are_made_at_a_time_where_there_are_cores() -> None:
    for n in (10**4, 10**6):
        one, four = (predict(work(n), RATES, Config(), replace(MACHINE, cores=c)) for c in (1, 4))
        rest = rest_seconds(n, RATES, Config())
        partitions = [seconds(plan, "clusters") - rest for plan in (one, four)]
        assert partitions[0] == pytest.approx(3.0 * partitions[1])


def test_partitions_that_the_settings_alone_ask_for_are_made_one_after_the_other() -> None:
    n, four = 10**6, replace(MACHINE, cores=4)
    larger = from_mapping({"classes": {"max_size": 9000}})  # 2,048, 4,096 and 8,192 beside seven
    rest = rest_seconds(n, RATES, Config())
    seven, ten = (
        seconds(predict(work(n), RATES, config, four), "clusters") - rest
        for config in (Config(), larger)
    )
    assert ten - seven == pytest.approx(RATES.communities * n * 3)


def test_more_than_two_searches_at_a_time_take_processes_unless_they_share_a_gpu() -> None:
    def more(config: Config) -> float:
        two, three = (predict(work(1000), RATES, config, replace(MACHINE, cores=c)) for c in (2, 3))
        of = [next(s.memory for s in p.stages if s.name == "nulls") for p in (two, three)]
        return of[1] - of[0]

    assert more(Config()) > 3e8
    # up to exact_below sources they do not
    there = {"device": "cuda"}
    assert more(from_mapping({"neighbors": there})) > 3e8
    assert more(from_mapping({"neighbors": {**there, "exact_below": 0}})) < 3e8


def test_a_second_encoder_is_a_stage_of_its_own() -> None:
    found = planned(1000, replication={"encoder": "maxvit_pico"})
    assert seconds(found, "second") == pytest.approx(2.0)
    assert "second" not in [s.name for s in planned(1000).stages]


def test_a_gpu_is_counted_in_hours_and_named_where_there_is_none() -> None:
    there = {"representations": {"device": "cuda"}, "neighbors": {"device": "cuda"}}
    found = planned(10**6, **there)
    assert found.gpu_hours > 0 and any("H100" in note for note in found.notes)
    assert planned(10**6).gpu_hours == 0
    held = predict(work(10**6), RATES, from_mapping(there), replace(MACHINE, gpu="A card"))
    assert not any("no GPU" in note for note in held.notes)


def test_what_cuml_takes_is_not_predicted_and_said_so() -> None:
    found = planned(10**5, embedding={"device": "cuda"})
    said = [note for note in found.notes if "cuML" in note]
    assert len(said) == 1 and "not measured" in said[0]
    assert found.stages == planned(10**5).stages and found.gpu_hours == 0
    assert not any("cuML" in note or "H100" in note for note in planned(10**5).notes)


def test_far_from_what_was_measured_it_is_less_certain() -> None:
    assert planned(10**4).factor < planned(10**7).factor
