from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from skerry.errors import InputError
from skerry.represent.foreign import cutouts, fitting
from skerry.survey import prepare
from skerry.types import Contract

CONTRACT = Contract(16, {}, "anything")


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for i in range(40):
        pixels = rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)
        (tmp_path / f"g{i:02d}.png").write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
    (tmp_path / "g07.png").write_bytes(b"nonsense")
    return tmp_path


def test_every_readable_image_is_prepared(survey: Path) -> None:
    contract, parts = cutouts(survey, CONTRACT)
    found = np.concatenate(list(parts))
    names = [f"g{i:02d}.png" for i in range(40) if i != 7]
    expected = [prepare((survey / n).read_bytes(), n, CONTRACT).pixels for n in names]
    np.testing.assert_array_equal(found, expected)
    assert contract == CONTRACT


def test_the_part_kept_goes_into_the_contract(survey: Path) -> None:
    contract, parts = cutouts(survey, CONTRACT, 0.5)
    assert contract.crops == {24: 0.5}
    first = prepare((survey / "g00.png").read_bytes(), "g00.png", CONTRACT, 0.5).pixels
    np.testing.assert_array_equal(next(parts)[0], first)


def test_a_choice_goes_by_id_not_by_row(survey: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "MOST", 10)
    before = {image.tobytes() for part in cutouts(survey, CONTRACT)[1] for image in part}
    (survey / "a.png").write_bytes((survey / "g30.png").read_bytes())
    after = {image.tobytes() for part in cutouts(survey, CONTRACT)[1] for image in part}
    assert len(before) == 10
    assert len(before & after) >= 9


def test_vectors_are_no_images(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.eye(3, dtype=np.float32))
    (tmp_path / "v_ids.txt").write_text("a\nb\nc\n")
    with pytest.raises(InputError, match="fitted to images"):
        cutouts(tmp_path / "v.npy", CONTRACT)
