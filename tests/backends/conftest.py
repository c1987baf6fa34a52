from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest


@pytest.fixture
def faiss_threads() -> Iterator[Callable[[int], None]]:
    import faiss

    before = faiss.omp_get_max_threads()
    yield faiss.omp_set_num_threads
    faiss.omp_set_num_threads(before)
