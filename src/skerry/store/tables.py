"""Parquet tables and safetensors arrays, written atomically and byte for byte the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from skerry.errors import RunError
from skerry.store.atomic import replacing, write_bytes

Array = npt.NDArray[np.generic]


def write_table(path: Path, table: pa.Table, metadata: Mapping[str, str] | None = None) -> None:
    """Write a Parquet file, zstd-compressed, each page with a checksum and ``metadata`` in its
    schema."""
    if metadata is not None:
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), **metadata})
    with replacing(path) as partial:
        pq.write_table(
            table, partial, compression="zstd", row_group_size=65_536, write_page_checksum=True
        )


def read_table(path: Path, columns: list[str] | None = None) -> pa.Table:
    """Read a Parquet file of a run.

    Raises
    ------
    RunError
        The file is missing or damaged.
    """
    try:
        return pq.read_table(path, columns=columns, page_checksum_verification=True)
    except (OSError, pa.ArrowException) as error:
        raise RunError(
            f"{path} is missing or damaged ({error}); start the command that made it again: "
            "what is damaged is made anew"
        ) from error


def rows_named(ids: pa.ChunkedArray, names: Iterable[str]) -> dict[str, int]:
    """The row of each of some names among ``ids``, which are all different: of a large survey
    less memory than a dictionary of all.

    Raises
    ------
    KeyError
        One is not among them.
    """
    wanted = sorted(set(names))
    rows = np.flatnonzero(pc.is_in(ids, value_set=pa.array(wanted, ids.type)).to_numpy())
    found = dict(zip(ids.take(pa.array(rows)).to_pylist(), rows.tolist(), strict=True))
    return {name: found[name] for name in wanted}


def table_metadata(path: Path) -> dict[str, str]:
    """The schema metadata of a Parquet file; empty where there is no whole file."""
    try:
        raw = pq.read_schema(path).metadata or {}
    except (OSError, pa.ArrowException):
        return {}
    return {k.decode(): v.decode() for k, v in raw.items()}


def write_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write named arrays as one safetensors file."""
    from safetensors.numpy import save

    contiguous = {name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)}
    write_bytes(path, save(contiguous))


def read_arrays(path: Path) -> dict[str, Array]:
    """Read a safetensors file of a run.

    Raises
    ------
    RunError
        The file is missing or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return dict(load_file(path))
    except (OSError, SafetensorError) as error:
        raise RunError(
            f"{path} is missing or damaged ({error}); start the command that made it again: "
            "what is damaged is made anew"
        ) from error


def vectors_column(vectors: npt.NDArray[np.float32]) -> pa.FixedSizeListArray:
    """A (n, d) float32 array as a fixed-size-list column."""
    flat = pa.array(np.ascontiguousarray(vectors).ravel())
    return pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])


def vectors_from(column: pa.ChunkedArray, dimensions: int) -> npt.NDArray[np.float32]:
    """The (n, d) float32 array of a fixed-size-list column without nulls."""
    flat = column.combine_chunks().flatten() if len(column) else pa.array([], pa.float32())
    return np.asarray(flat, dtype=np.float32).reshape(-1, dimensions)
