from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pytest
from astropy.io.votable import from_table, parse, tablewriter
from astropy.table import MaskedColumn, Table

from skerry.store.votable import votable_bytes

EXACT = """
from astropy.io.votable import from_table
from astropy.table import Table
from skerry.store.votable import votable_bytes
for size in range(960, 1030):
    votable_bytes(from_table(Table({"text": ["x" * size]})))
"""
"""Rows of some bytes around the size of the buffer of astropy's writer in C."""


def table() -> Table:
    rng = np.random.default_rng(0)
    numbers = MaskedColumn(rng.normal(size=20), mask=np.arange(20) % 3 == 0)
    names = [f'<{i}> & "name" é' for i in range(20)]
    return Table({"id_str": names, "z": numbers, "n": np.arange(20), "seen": numbers.mask})


def test_it_is_read_back() -> None:
    rows = table()
    found = parse(io.BytesIO(votable_bytes(from_table(rows)))).get_first_table().to_table()
    assert [str(name) for name in found["id_str"]] == list(rows["id_str"])
    np.testing.assert_array_equal(found["z"].mask, rows["z"].mask)
    np.testing.assert_array_equal(found["z"].compressed(), rows["z"].compressed())
    np.testing.assert_array_equal(found["n"], rows["n"])
    np.testing.assert_array_equal(found["seen"], rows["seen"])


def test_the_writer_that_overruns_its_buffer_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: object) -> None:
        raise AssertionError("astropy's writer in C")

    monkeypatch.setattr(tablewriter, "write_tabledata", refuse)
    votable_bytes(from_table(table()))


def test_rows_of_the_size_of_a_buffer_harm_no_memory() -> None:
    done = subprocess.run(
        [sys.executable, "-c", EXACT],
        env={"PYTHONMALLOC": "debug", "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
