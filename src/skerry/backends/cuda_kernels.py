"""The two Triton kernels of ``cuda``. Triton comes with torch: imported only where it is used."""

from __future__ import annotations

from typing import Any

import triton  # type: ignore
import triton.language as tl  # type: ignore


def group_maxima(
    queries: Any, vectors: Any, halves: Any, grouped: Any, chunked: Any, tiles: Any
) -> None:
    """Fill in the largest ``x.y - |y|^2 / 2`` in each group, and in each chunk, of vectors.

    A chunk is ``tiles.depth * tiles.columns`` vectors one after the other; a group those of one
    chunk that lie ``tiles.columns`` apart, so that its maximum is taken in registers, element
    by element of the tiles of a product of which nothing else is kept.

    Parameters
    ----------
    queries, vectors : float16 (m, D), (n, D); m whole tiles, n whole chunks, D a power of two
    halves : float32 (n,), |y|^2 / 2
    grouped : float32 (m, n_chunks, tiles.columns), overwritten
    chunked : float32 (m, n_chunks), overwritten
    """
    m, n_chunks, _ = grouped.shape
    _group_maxima[(m // tiles.rows, n_chunks)](
        queries,
        vectors,
        halves,
        grouped,
        chunked,
        n_chunks,
        D=queries.shape[1],
        BM=tiles.rows,
        BN=tiles.columns,
        DEPTH=tiles.depth,
        num_warps=tiles.warps,
        num_stages=tiles.stages,
    )


def squares_in_groups(queries: Any, vectors: Any, groups: Any, squares: Any, tiles: Any) -> None:
    """Fill in the squared distances, by differences, to the vectors of some groups of each query.

    Parameters
    ----------
    queries, vectors : float32 (m, d), (n, d)
    groups : int32 (m, s), chunk times ``tiles.columns`` plus column
    squares : float32 (m, s, tiles.depth), overwritten; infinite beyond the last vector
    """
    m, s = groups.shape
    d = vectors.shape[1]
    _squares_in_groups[(m, s)](
        queries,
        vectors,
        groups,
        squares,
        len(vectors),
        s,
        D=d,
        PART=min(128, triton.next_power_of_2(d)),
        BN=tiles.columns,
        DEPTH=tiles.depth,
        num_warps=4,
    )


# sizes as they come: Triton would compile again for each multiple of 16
@triton.jit(do_not_specialize=["n_chunks"])  # type: ignore
def _group_maxima(  # type: ignore
    queries,
    vectors,
    halves,
    grouped,
    chunked,
    n_chunks,
    D: tl.constexpr,
    BM: tl.constexpr,
    BN: tl.constexpr,
    DEPTH: tl.constexpr,
):
    # row tiles vary fastest: programs that run at the same time share a chunk in the L2 cache
    row = tl.program_id(0).to(tl.int64) * BM
    chunk = tl.program_id(1).to(tl.int64)
    i = tl.arange(0, BM)
    j = tl.arange(0, BN)
    k = tl.arange(0, D)
    x = tl.load(queries + row * D + (i[:, None] * D + k[None, :]))
    # 64-bit sums once: within a tile 32 bits do
    y_at = vectors + chunk * (DEPTH * BN * D) + (j[:, None] * D + k[None, :])
    half_at = halves + chunk * (DEPTH * BN) + j
    best = tl.full((BM, BN), float("-inf"), tl.float32)
    for _step in range(DEPTH):
        half = tl.load(half_at)
        y = tl.load(y_at)
        product = tl.dot(x, tl.trans(y))
        best = tl.maximum(best, product - half[None, :])
        y_at += BN * D
        half_at += BN
    grouped_at = grouped + (row * n_chunks + chunk) * BN
    tl.store(grouped_at + i.to(tl.int64)[:, None] * (n_chunks * BN) + j[None, :], best)
    tl.store(chunked + (row + i) * n_chunks + chunk, tl.max(best, axis=1))


@triton.jit(do_not_specialize=["n", "s"])  # type: ignore
def _squares_in_groups(  # type: ignore
    queries,
    vectors,
    groups,
    squares,
    n,
    s,
    D: tl.constexpr,
    PART: tl.constexpr,
    BN: tl.constexpr,
    DEPTH: tl.constexpr,
):
    row = tl.program_id(0).to(tl.int64)
    at = row * s + tl.program_id(1)
    group = tl.load(groups + at)
    t = tl.arange(0, DEPTH)
    column = (group // BN).to(tl.int64) * (DEPTH * BN) + group % BN + t * BN
    inside = column < n
    total = tl.zeros((DEPTH,), tl.float32)
    for start in range(0, D, PART):
        k = start + tl.arange(0, PART)
        x = tl.load(queries + row * D + k, mask=k < D, other=0.0)
        mask = inside[:, None] & (k < D)[None, :]
        y = tl.load(vectors + column[:, None] * D + k[None, :], mask=mask, other=0.0)
        difference = y - x[None, :]
        total += tl.sum(difference * difference, axis=1)
    tl.store(squares + at * DEPTH + t, tl.where(inside, total, float("inf")))
