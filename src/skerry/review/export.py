"""What was reviewed, as files."""

from __future__ import annotations

from pathlib import Path

from skerry.errors import ConfigError
from skerry.publish.formats import SUFFIXES, write
from skerry.review.log import open_reviews
from skerry.review.tables import as_tables
from skerry.store.runfolder import require_outside


def export(run: Path, folder: Path) -> list[Path]:
    """Write what was reviewed of a run: ``reviews``, ``classes`` and ``members``
    (``as_tables``), each as Parquet and in each of ``publish.formats.ENCODERS``; the files written.

    The same reviews give the same bytes.

    Raises
    ------
    ConfigError
        ``folder`` is in the run's own.
    RunError
        The run's products or its reviews are missing or damaged.
    DiskError
        The folder cannot be written.
    """
    require_outside(folder, run, option="--export")
    if folder.is_file():
        raise ConfigError(f"--export {folder} is a file; give a folder")
    written = []
    for name, table in as_tables(open_reviews(run).state(), run).items():
        for suffix in SUFFIXES:
            written.append(folder / f"{name}.{suffix}")
            write(written[-1], name, table)
    return written
