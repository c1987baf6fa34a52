"""What a run says of the sources outside its classes, and of its footprint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skerry import pipeline
from skerry.config import Config, from_mapping
from skerry.context import Context
from skerry.discover import space_of
from skerry.discover.classes import members_of
from skerry.discover.outside import REASONS
from skerry.discover.rarity import footprint, surface_density
from skerry.progress import silent
from skerry.store import encoded, nouns
from skerry.store.runfolder import RunFolder
from skerry.surroundings import area, kept, unclustered
from skerry.survey import open_survey
from skerry.types import UNCLUSTERED_SCHEMA, FloatArray, RareClass, Representations
from tests.conftest import N_SEA, PLANTED, write_vectors

COPIES = {"a-member": N_SEA, "z-member": N_SEA, "a-sea": 0, "z-sea": 0}
"""Sources with the very vector of a member and of one of the sea."""


def rare(class_id: str, members: list[str], verdict: str = "confirmed") -> RareClass:
    n = len(members)
    return RareClass(class_id, 1, tuple(members), (1.0,) * n, (), 0.5, "graph", verdict)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def at_work(
    planted: FloatArray, planted_config: Config, tmp_path_factory: pytest.TempPathFactory
) -> Context:
    """The planted groups with copies, represented and with their graph."""
    folder = tmp_path_factory.mktemp("at-work")
    vectors = np.vstack([planted, planted[list(COPIES.values())]])
    ids = [*(f"s{i:03d}" for i in range(len(planted))), *COPIES]
    survey = open_survey(write_vectors(folder / "t.parquet", vectors, ids))
    data = Representations(
        tuple(ids), vectors, np.zeros((len(ids), 0), np.float32), np.zeros(len(ids), np.int64)
    )
    context = Context(RunFolder(folder, ""), survey, planted_config, silent)
    encoded.write_shard(encoded.shard_path(context.path("representations"), 0), data, "key")
    graph = space_of(context.vectors, planted_config.neighbors).graph
    nouns.write_graph(context.path("neighbors"), graph, context.searched)
    return context


CLASSES = [
    rare("SKR-first", [*sorted(PLANTED[0]), "a-member", "z-member"]),
    rare("SKR-rejected", sorted(PLANTED[1]), "rejected"),
    rare("SKR-second", sorted(PLANTED[2] - {max(PLANTED[2])}), "tentative"),
]


def test_every_source_in_no_class_is_there_once(at_work: Context) -> None:
    table = unclustered(at_work, CLASSES)
    assert table.schema == UNCLUSTERED_SCHEMA
    names = table["id_str"].to_pylist()
    inside = {m for c in kept(CLASSES) for m in c.members}
    assert [c.class_id for c in kept(CLASSES)] == ["SKR-first", "SKR-second"]
    assert len(names) == len(set(names))
    assert set(names) == set(at_work.representations.id_str) - inside
    assert {"s000", "a-sea", "z-sea"} <= set(names) and PLANTED[1] <= set(names)


def test_what_is_said_of_each(at_work: Context) -> None:
    rows = {r["id_str"]: r for r in unclustered(at_work, CLASSES).to_pylist()}
    assert {r["reason"] for r in rows.values()} <= set(REASONS) - {"member"}
    assert {r["nearest_class"] for r in rows.values()} == {"SKR-first", "SKR-second"}
    assert all(r["distance_ratio"] > 0 and 0 <= r["membership"] <= 1 for r in rows.values())
    # the member that was left out is told from the sea
    left = rows[max(PLANTED[2])]
    assert (left["nearest_class"], left["reason"]) == ("SKR-second", "edge of the class")
    assert left["membership"] > 0.3 and left["distance_ratio"] < 1.6
    assert np.median([r["membership"] for r in rows.values()]) < 0.05
    # copies are as their original
    same = [{k: v for k, v in rows[n].items() if k != "id_str"} for n in ("s000", "a-sea", "z-sea")]
    assert same[0] == same[1] == same[2]


@pytest.mark.parametrize("classes", [[], CLASSES[1:2]])
def test_without_classes_nothing_is_near(at_work: Context, classes: list[RareClass]) -> None:
    rows = unclustered(at_work, classes).to_pylist()
    assert sorted(r["id_str"] for r in rows) == sorted(at_work.representations.id_str)
    assert {r["nearest_class"] for r in rows} == {""}
    assert all(np.isnan(r["distance_ratio"]) and r["membership"] == 0 for r in rows)
    assert {r["reason"] for r in rows} == {"in the sea", "too few alike"}


def test_members_that_are_not_there_are_left_out() -> None:
    [first, none] = members_of([rare("a", ["z", "x", "q"]), rare("b", ["q"])], ["x", "y", "z"])
    np.testing.assert_array_equal(first, [2, 0])
    assert len(none) == 0 and none.dtype == np.int64


def positioned(folder: Path, planted: FloatArray) -> Path:
    """The planted survey on 4 deg2 of sky."""
    path = write_vectors(folder / "t.parquet", planted)
    rng = np.random.default_rng(0)
    table = pq.read_table(path)
    for name in ("ra", "dec"):
        at = 10 + 2 * rng.random(len(planted))
        at[7] = np.nan
        table = table.append_column(name, pa.array(at))
    pq.write_table(table, path)
    return path


def test_the_footprint_is_estimated_unless_it_is_set(
    planted: FloatArray, planted_table: Path, planted_config: Config, tmp_path: Path
) -> None:
    def of(table: Path, config: Config) -> float | None:
        return area(Context(RunFolder(tmp_path, ""), open_survey(table), config, silent))

    at = positioned(tmp_path, planted)
    sources = open_survey(at).sources
    estimate = of(at, planted_config)
    assert estimate == footprint(sources["ra"].to_numpy(), sources["dec"].to_numpy())
    assert estimate == pytest.approx(4, rel=0.2)
    assert of(planted_table, planted_config) is None
    own = from_mapping({"classes": {"area": 2.5}}, planted_config)
    assert of(at, own) == of(planted_table, own) == 2.5


def test_surface_densities_of_products(
    judged: Path, planted: FloatArray, planted_config: Config, tmp_path: Path
) -> None:
    names = ("surface_density", "surface_density_low", "surface_density_high")
    without = pq.read_table(judged / "products" / "classes.parquet")
    assert all(without[name].null_count == len(without) > 0 for name in names)
    bare = {"nulls": {"n": 0}, "replication": {"subsamples": 0}, "classes": {"area": 2.5}}
    at, output = positioned(tmp_path, planted), tmp_path / "run"
    pipeline.run(at, output, from_mapping(bare, planted_config))
    table = pq.read_table(output / "products" / "classes.parquet")
    sizes = table["size"].to_numpy()
    for name, expected in zip(names, surface_density(sizes, 2.5), strict=True):
        np.testing.assert_allclose(table[name].to_numpy(), expected)
