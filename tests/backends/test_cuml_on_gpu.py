"""On a GPU with cuML: the classes are those of the CPU, and made again the same bytes."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from skerry.backends import cuml
from skerry.config import EmbeddingConfig, NeighborsConfig, from_mapping
from skerry.discover import cluster, embed, space_of
from skerry.discover.find import find
from skerry.types import FloatArray, IntArray

pytestmark = pytest.mark.skipif(bool(cuml.lacking()), reason=f"needs a GPU: {cuml.lacking()}")


def confirmed(vectors: FloatArray, device: str) -> IntArray:
    """The confirmed class of each source, -1 for none."""
    config = from_mapping(
        {
            "neighbors": {"k": 15},
            "embedding": {"n_neighbors": 10, "device": device},
            "clusters": {"route": "umap-hdbscan"},
            "nulls": {"n": 20, "scales": "2"},
            "replication": {"subsamples": 2, "seeds": 1},
            "classes": {"min_size": 8, "max_share": 0.1},
        }
    )
    found = np.full(len(vectors), -1)
    for number, rows in enumerate(find(vectors, config).confirmed()):
        found[rows] = number
    return found


def test_the_planted_classes_are_those_of_the_cpu(planted: FloatArray) -> None:
    by_gpu, by_cpu = (confirmed(planted, device) for device in ("cuda", "cpu"))
    assert len(np.unique(by_cpu)) == 5
    assert adjusted_rand_score(by_cpu, by_gpu) >= 0.99


def test_the_same_bytes_again(planted: FloatArray) -> None:
    space = space_of(planted, NeighborsConfig(k=15))
    made = [embed(space, EmbeddingConfig(device="cuda")) for _ in range(3)]
    assert len({one.coordinates.tobytes() + one.map.tobytes() for one in made}) == 1
    trees = [cluster(made[0].coordinates, 8, 5, "cuda") for _ in range(3)]
    assert len({t.child.tobytes() + t.parent.tobytes() + t.lam.tobytes() for t in trees}) == 1
