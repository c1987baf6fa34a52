"""cuML behind the interface of the CPU's libraries; a stand-in answers as cuML would."""

from __future__ import annotations

import importlib.util
import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from skerry.backends import card, cpu, cuml
from skerry.backends.embedding import backend_of
from skerry.config import ClassesConfig, EmbeddingConfig, NeighborsConfig, from_mapping
from skerry.discover import Space, cluster, embed, find_candidates, space_of
from skerry.discover.find import find
from skerry.discover.searches import each
from skerry.errors import ConfigError
from skerry.types import CondensedTree, FloatArray
from tests.cuml_stand_in import StandIn, as_cuml_has_it, install

ON_GPU = EmbeddingConfig(n_neighbors=8, n_components=3, seed=7, epochs=40, device="cuda")
CPU = EmbeddingConfig(n_neighbors=8, n_components=3, seed=7, epochs=40)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    return install(monkeypatch)


def drawn(n: int = 120, seed: int = 0) -> FloatArray:
    """Two groups of an eighth each at the edge of a sea."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 6))
    for group in range(2):
        x[group * (n // 8) : (group + 1) * (n // 8)] = 5 * (1 - 2 * group) + 0.1 * rng.normal(
            size=(n // 8, 6)
        )
    return x.astype(np.float32)


def space(x: FloatArray) -> Space:
    return space_of(x, NeighborsConfig(k=10))


def test_umap_is_asked_for_the_layout_that_the_cpu_is(asked: StandIn) -> None:
    x = drawn()
    found, expected = (embed(space(x), config) for config in (ON_GPU, CPU))
    # by the same graph, settings and seed the stand-in has the bytes of the CPU
    assert found.coordinates.tobytes() == expected.coordinates.tobytes()
    assert found.map.tobytes() == expected.map.tobytes()
    assert found.spectral is True
    clustered, seen = asked.made
    for settings, d, min_dist in ((clustered, 3, 0.0), (seen, 2, 0.1)):
        assert (settings["of"], settings["n_components"], settings["min_dist"]) == (
            "UMAP", d, min_dist,
        )  # fmt: skip
        # what the same bytes again need of cuML
        assert settings["random_state"] == 7 and settings["force_serial_epochs"] is True
        assert settings["build_algo"] == "brute_force_knn" and settings["init"] == "spectral"
        assert settings["n_epochs"] == 40 and settings["spread"] == 1.0


def test_epochs_are_cumls_own_unless_they_are_set(asked: StandIn) -> None:
    x = drawn(40)
    embed(space(x), EmbeddingConfig(n_neighbors=5, device="cuda"))
    assert [settings["n_epochs"] for settings in asked.made] == [None, None]


def test_a_start_that_failed_is_told_and_nothing_is_printed(
    asked: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    asked.says = "[W] Spectral initialization failed, using random initialization instead.\n"
    x = drawn()
    assert embed(space(x), ON_GPU).spectral is False
    out, err = capsys.readouterr()
    assert out == "" and err == 2 * asked.says


def same_tree(a: CondensedTree, b: CondensedTree) -> None:
    """Every source leaves branches of the same members at the same density, but for float32."""
    assert a.n_points == b.n_points and len(a.parent) == len(b.parent)
    for found, expected in zip(edges(a), edges(b), strict=True):
        assert found[:2] == expected[:2]
        assert found[2] == pytest.approx(expected[2], rel=1e-6)


def edges(tree: CondensedTree) -> list[tuple[tuple[int, ...], tuple[int, ...], float]]:
    """Each edge as the members of its parent, those of its child, and the density."""
    members: dict[int, list[int]] = {i: [i] for i in range(tree.n_points)}
    for name in sorted(np.unique(tree.parent), key=lambda b: size_of(tree, int(b))):
        children = tree.child[tree.parent == name]
        members[int(name)] = sorted(m for c in children.tolist() for m in members[c])
    named = {name: tuple(found) for name, found in members.items()}
    columns = zip(tree.parent.tolist(), tree.child.tolist(), tree.lam.tolist(), strict=True)
    return sorted((named[parent], named[child], lam) for parent, child, lam in columns)


def size_of(tree: CondensedTree, name: int) -> int:
    at = np.flatnonzero(tree.child == name)
    return int(tree.size[at[0]]) if len(at) else tree.n_points


@pytest.mark.parametrize("samples", [1, 5])
def test_the_tree_is_that_of_the_cpu(asked: StandIn, samples: int) -> None:
    x = drawn(320)[:, :3]
    x[100:112] = x[100]  # at distance 0, so that a density has no end
    found, expected = (cluster(x, 8, samples, device) for device in ("cuda", "cpu"))
    assert asked.made[0]["min_cluster_size"] == 8 and asked.made[0]["min_samples"] == samples
    same_tree(found, expected)
    assert np.isinf(found.lam).sum() == np.isinf(expected.lam).sum() > 0
    assert found.parent.dtype == found.child.dtype == found.size.dtype == np.int64
    assert found.lam.dtype == np.float64
    groups = [
        [sorted(c.members.tolist()) for c in find_candidates(tree, ClassesConfig(max_share=0.2))]
        for tree in (found, expected)
    ]
    assert groups[0] == groups[1] and len(groups[0]) >= 2


def test_the_stand_ins_tree_is_not_the_cpus_byte_for_byte() -> None:
    """Else the test above would pass without any conversion."""
    tree = cpu.hdbscan_tree(drawn(300)[:, :3], 8, 5)
    rows = as_cuml_has_it(tree)
    assert (rows["parent"] != tree.parent).any() and (rows["lambda_val"] != tree.lam).any()


def test_a_source_is_none_of_its_own_min_samples_neighbors() -> None:
    """So hdbscan counts; so cuML says that it counts, and is given the same number."""
    x = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
    gap = np.linalg.norm(x[:, None].astype(np.float64) - x[None], axis=2)
    fifth = np.sort(gap, axis=1)[:, 5]  # itself is the first
    reach = np.maximum(np.maximum(fifth[:, None], fifth), gap)
    np.fill_diagonal(reach, np.inf)
    assert cpu.hdbscan_tree(x, 2, 5).lam.max() == pytest.approx(1 / reach.min(), rel=1e-12)


def test_a_tree_without_some_sources_is_refused() -> None:
    rows = as_cuml_has_it(cpu.hdbscan_tree(drawn()[:, :3], 8, 5))
    with pytest.raises(ConfigError, match=r"119 of 120 sources in 119 places; expected each once"):
        cuml._tree(rows[rows["child"] != 17], 120)
    twice = np.concatenate([rows, rows[rows["child"] == 3]])
    with pytest.raises(ConfigError, match=r"120 of 120 sources in 121 places; .* to cpu"):
        cuml._tree(twice, 120)


def test_one_computation_at_a_time_has_the_gpu(asked: StandIn) -> None:
    x = drawn(60)
    whole = space(x)

    def search(seed: int) -> bytes:
        config = EmbeddingConfig(n_neighbors=8, n_components=2, epochs=20, seed=seed, device="cuda")
        place = embed(whole, config).coordinates
        return place.tobytes() + cluster(place, 5, 3, "cuda").lam.tobytes()

    together = list(each(search, range(6), 3))
    assert asked.at_once == 1
    assert together == [search(seed) for seed in range(6)]


def test_what_is_held_on_the_gpu_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    freed: list[int] = []
    torch = SimpleNamespace(cuda=SimpleNamespace(empty_cache=lambda: freed.append(len(card._HELD))))
    monkeypatch.setitem(sys.modules, "torch", torch)
    holder = card.Held.__new__(card.Held)
    card._HELD[holder] = object()  # type: ignore[assignment]
    with card.alone():
        assert freed == [0]
        assert card._LOCK.locked()
    assert not card._LOCK.locked()


@pytest.mark.parametrize("what", ["UMAP", "HDBSCAN"])
def test_too_little_memory_is_told(asked: StandIn, what: str) -> None:
    asked.fails = MemoryError("std::bad_alloc: out_of_memory")
    x = drawn()
    with pytest.raises(ConfigError, match=rf"{what} of 120 sources .*out_of_memory.* to cpu$"):
        if what == "UMAP":
            embed(space(x), ON_GPU)
        else:
            cluster(x[:, :3], 8, 5, "cuda")
    assert not card._LOCK.locked()


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        ConfigError,
        match=r"^embedding.device = cuda asks for cuML on a GPU, but cuml is not installed; pip "
        r"install 'skerry\[cuml\]' .* on Linux with an NVIDIA GPU, or set the device to cpu",
    ):
        backend_of("cuda")
    assert backend_of("cpu") is cpu


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"gpu": False}, "cupy, by which cuml reaches it, finds none"),
        ({"version": "26.06.01"}, "cuml is of version 26.06.01, and 26.08 or later is needed"),
        ({"version": "25.12.00"}, "cuml is of version 25.12.00, and 26.08 or later is needed"),
    ],
)
def test_what_is_of_no_use_is_told(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, object], why: str
) -> None:
    install(monkeypatch, **settings)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=re.escape(why)):
        backend_of("cuda")


def test_a_cuml_that_cannot_be_imported_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)
    monkeypatch.delitem(sys.modules, "cupy")
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(ConfigError, match=r"but cuml cannot be imported: .*cupy"):
        backend_of("cuda")


@pytest.mark.parametrize("version", ["26.08.00", "26.10.00", "27.02.00a31"])
def test_what_can_be_used_is(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    install(monkeypatch, version=version)
    assert cuml.lacking() == ""
    assert backend_of("cuda") is cuml
    assert (cuml.version(), cuml.name()) == (version, "A card")


def test_a_search_on_a_gpu_that_is_not_there_ends_before_any_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr("skerry.discover.find.space_of", None)
    with pytest.raises(ConfigError, match=r"^embedding\.device = cuda asks"):
        find(drawn(), from_mapping({"embedding": {"device": "cuda"}}))


def test_more_neighbors_than_cuml_looks_at_are_refused_by_the_settings() -> None:
    asked = {"neighbors": {"k": 900}, "clusters": {"min_samples": 683}}
    from_mapping(asked)
    with pytest.raises(ConfigError, match=r"min_samples is 683; expected 682 or less with embedd"):
        from_mapping({**asked, "embedding": {"device": "cuda"}})
