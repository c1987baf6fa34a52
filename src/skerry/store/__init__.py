"""The only code that reads and writes a run's folder."""

from skerry.store.atomic import replacing, write_bytes, write_pieces, write_text
from skerry.store.manifest import (
    Manifest,
    drop_damaged,
    file_digest,
    read_manifest,
    write_manifest,
)
from skerry.store.tables import (
    read_arrays,
    read_table,
    table_metadata,
    vectors_column,
    vectors_from,
    write_arrays,
    write_table,
)

__all__ = [
    "Manifest",
    "drop_damaged",
    "file_digest",
    "read_arrays",
    "read_manifest",
    "read_table",
    "replacing",
    "table_metadata",
    "vectors_column",
    "vectors_from",
    "write_arrays",
    "write_bytes",
    "write_manifest",
    "write_pieces",
    "write_table",
    "write_text",
]
