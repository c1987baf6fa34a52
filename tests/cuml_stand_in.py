"""Modules that stand for cuML and cupy: what they are asked must be what cuML takes; CPU's answers.

Their signatures, and what they refuse, are those of cuML 26.10.
"""

from __future__ import annotations

import importlib.machinery
import sys
import threading
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from skerry.backends import cpu
from skerry.types import FloatArray


class StandIn:
    """What was asked of it: ``made`` are the settings of each estimator, with ``of`` its class.

    ``says`` is what it prints as it computes, ``fails`` what it raises, ``at_once`` the most
    computations that ran at a time.
    """

    def __init__(self) -> None:
        self.made: list[dict[str, Any]] = []
        self.says = ""
        self.fails: Exception | None = None
        self.at_once = self._now = 0
        self._lock = threading.Lock()

    def begin(self, estimator: Any, settings: dict[str, Any]) -> None:
        with self._lock:
            self.made.append({"of": type(estimator).__name__, **settings})
            self._now += 1
            self.at_once = max(self.at_once, self._now)
        if self.fails is not None:
            raise self.fails
        print(self.says, end="")

    def end(self) -> None:
        with self._lock:
            self._now -= 1


def install(
    monkeypatch: pytest.MonkeyPatch, *, version: str = "26.10.00", gpu: bool = True
) -> StandIn:
    """Put the modules where ``import`` finds them, for one test."""
    asked = StandIn()
    cuml, cupy = _module("cuml"), _module("cupy")
    manifold, cluster = _module("cuml.manifold"), _module("cuml.cluster")
    hierarchy = _module("cuml.cluster.hdbscan")
    cuml.__version__ = version
    manifold.UMAP, hierarchy.HDBSCAN = _umap(asked), _hdbscan(asked)
    cupy.is_available = lambda: gpu
    properties = {"name": b"A card"}
    runtime = SimpleNamespace(getDeviceProperties=lambda number: properties)
    cupy.cuda = SimpleNamespace(runtime=runtime, Device=lambda: SimpleNamespace(id=0))
    for module in (cuml, cupy, manifold, cluster, hierarchy):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return asked


def _module(name: str) -> Any:
    made = ModuleType(name)
    made.__spec__ = importlib.machinery.ModuleSpec(name, None)
    made.__path__ = []
    return made


def _umap(asked: StandIn) -> type:
    class UMAP:
        def __init__(
            self, *, n_neighbors: float = 15, n_components: int = 2, metric: str = "euclidean",
            metric_kwds: Any = None, n_epochs: int | None = None, learning_rate: float = 1.0,
            min_dist: float = 0.1, spread: float = 1.0, set_op_mix_ratio: float = 1.0,
            local_connectivity: float = 1.0, repulsion_strength: float = 1.0,
            negative_sample_rate: int = 5, transform_queue_size: float = 4.0,
            init: Any = "spectral", a: Any = None, b: Any = None, target_n_neighbors: int = -1,
            target_weight: float = 0.5, target_metric: str = "categorical",
            hash_input: bool = False, random_state: Any = None,
            force_serial_epochs: bool | None = None, precomputed_knn: Any = None,
            callback: Any = None, build_algo: str = "auto", build_kwds: Any = None,
            device_ids: Any = None, verbose: bool = False, output_type: Any = None,
        ) -> None:  # fmt: skip
            self.settings = {k: v for k, v in locals().items() if k not in ("self", "__class__")}

        def fit_transform(self, X: FloatArray) -> FloatArray:
            asked.begin(self, self.settings)
            try:
                return self._coordinates(X)
            finally:
                asked.end()

        def _coordinates(self, X: FloatArray) -> FloatArray:
            s = self.settings
            indices, distances = s["precomputed_knn"]
            for array, kind in ((X, "f4"), (indices, "i8"), (distances, "f4")):
                assert array.dtype == kind and array.flags.c_contiguous
            assert indices.shape == distances.shape == (len(X), s["n_neighbors"])
            assert (indices[:, 0] == np.arange(len(X))).all() and (distances[:, 0] == 0).all()
            assert s["metric"] == "euclidean" and s["output_type"] == "numpy"
            assert type(s["random_state"]) is int and 0 <= s["random_state"] < 2**32
            graph = cpu.fuzzy_graph(indices, distances)
            epochs = s["n_epochs"] or 0
            args = s["n_components"], s["min_dist"], s["random_state"], epochs
            return cpu.layout(X, graph, *args).coordinates

    return UMAP


def _hdbscan(asked: StandIn) -> type:
    class HDBSCAN:
        def __init__(
            self, *, min_cluster_size: int = 5, min_samples: int | None = None,
            cluster_selection_epsilon: float = 0.0, max_cluster_size: int = 0,
            metric: str = "euclidean", alpha: float = 1.0, p: Any = None,
            cluster_selection_method: str = "eom", allow_single_cluster: bool = False,
            gen_min_span_tree: bool = False, verbose: bool = False, output_type: Any = None,
            prediction_data: bool = False, build_algo: str = "brute_force", build_kwds: Any = None,
            device_ids: Any = None,
        ) -> None:  # fmt: skip
            self.settings = {k: v for k, v in locals().items() if k not in ("self", "__class__")}

        def fit(self, X: FloatArray) -> Any:
            asked.begin(self, self.settings)
            try:
                assert X.dtype == np.float32 and X.flags.c_contiguous
                size, samples = self.settings["min_cluster_size"], self.settings["min_samples"]
                assert size > 1 and 1 <= samples <= 1023
                tree = as_cuml_has_it(cpu.hdbscan_tree(X, size, samples))
                self.condensed_tree_ = SimpleNamespace(to_numpy=lambda: tree)
                return self
            finally:
                asked.end()

    return HDBSCAN


def as_cuml_has_it(tree: Any) -> Any:
    """A tree with its branches numbered in another order, rows by parent, densities in float32,
    that of distance 0 the largest of them."""
    n, names = tree.n_points, np.unique(tree.parent)
    number = np.arange(n + len(names))
    number[names[1:]] = names[:0:-1]  # the root stays the first
    largest = np.finfo(np.float32).max
    columns = [("parent", "i8"), ("child", "i8"), ("lambda_val", "f8"), ("child_size", "i8")]
    rows = np.zeros(len(tree.parent), dtype=columns)
    rows["parent"], rows["child"] = number[tree.parent], number[tree.child]
    rows["lambda_val"] = np.minimum(tree.lam, largest).astype(np.float32)
    rows["child_size"] = tree.size
    return rows[np.lexsort((rows["child"], rows["parent"]))]
