from __future__ import annotations

from pathlib import Path

import pytest

from skerry.errors import InputError
from skerry.represent.training.ids import read_ids


def test_ids_come_from_text_and_from_csv(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("1\n 2 \n\n")
    (tmp_path / "b.csv").write_text("r,id_str\n0.9,3\n")
    assert read_ids([tmp_path / "a.txt", tmp_path / "b.csv"]) == {"1", "2", "3"}
    (tmp_path / "c.csv").write_text("name\n3\n")
    with pytest.raises(InputError, match="no column 'id_str'"):
        read_ids([tmp_path / "c.csv"])
    with pytest.raises(InputError, match="cannot be read"):
        read_ids([tmp_path / "none.txt"])
    (tmp_path / "d.csv").write_text("r,id_str\n0.9,3,more\n0.8\n")
    with pytest.raises(InputError, match="line 3 ends before 'id_str'"):
        read_ids([tmp_path / "d.csv"])
    (tmp_path / "e.csv").write_text("\nid_str\n3\n")
    with pytest.raises(InputError, match="no column 'id_str'"):
        read_ids([tmp_path / "e.csv"])
