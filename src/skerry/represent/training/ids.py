"""Lists of ids: which galaxies to leave out."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from skerry.errors import InputError


def read_ids(paths: Iterable[Path]) -> frozenset[str]:
    """Ids from text files, one a line, or from the column ``id_str`` of CSV files.

    Raises
    ------
    InputError
        A file cannot be read, or a CSV lacks the column, or a row of it has no value there.
    """
    found: set[str] = set()
    for path in paths:
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"the list of ids {path} cannot be read: {error}") from error
        if path.suffix.lower() == ".csv":
            lines = _id_column(path, lines)
        found.update(line.strip() for line in lines if line.strip())
    return frozenset(found)


def _id_column(path: Path, lines: list[str]) -> list[str]:
    try:
        reader = csv.DictReader(lines)
        columns = reader.fieldnames or []
        if any(map(str.strip, lines)) and "id_str" not in columns:
            raise InputError(f"{path} has no column 'id_str'; it has: {', '.join(columns)}")
        found = [(reader.line_num, row["id_str"]) for row in reader]
    except csv.Error as error:
        raise InputError(f"the list of ids {path} is no CSV: {error}") from error
    for line, value in found:
        if value is None:
            raise InputError(f"{path}: line {line} ends before 'id_str'; mend the line")
    return [value for _, value in found]
