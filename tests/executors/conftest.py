"""A Ray cluster of a few small nodes, all on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SMALL = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}


@pytest.fixture(scope="session")
def cluster() -> Iterator[Any]:
    """One node of one core, to which others are added; this process is not connected."""
    utils = pytest.importorskip("ray.cluster_utils")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("PYTHONPATH", str(ROOT))  # for the tasks of the tests
        found = utils.Cluster()
        another_node(found)  # the first is the head
        yield found
        found.shutdown()


def another_node(cluster: Any) -> Any:
    """A node more; Ray gives up on one that does not start within 30 s, as on a busy machine."""
    for _ in range(3):
        try:
            return cluster.add_node(**SMALL)
        except Exception as error:  # Ray raises no other
            failed = error
    raise failed
