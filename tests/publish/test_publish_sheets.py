"""Contact sheets hold every cutout, under names that any class_id survives."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skerry.publish.galleries import shown_ids
from skerry.publish.sheets import (
    SHOWN,
    contact_sheet,
    gallery,
    sheet_name,
    write_sheets,
)

RED = np.full((20, 20, 3), (255, 0, 0), np.uint8)


def pixels(sheet: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(sheet)).convert("RGB")).astype(int)


def red_cells(sheet: bytes) -> int:
    """How many cells of a sheet are red, from the area of red."""
    image = pixels(sheet)
    red = (image[..., 0] > 200) & (image[..., 1] < 60) & (image[..., 2] < 60)
    return round(red.sum() / 168**2)


@pytest.mark.parametrize("n", [1, 6, 7, 13])
def test_every_cutout_is_on_the_sheet(n: int) -> None:
    assert red_cells(contact_sheet([RED] * n, ["id\np"] * n, "title")) == n


def test_the_sheet_is_dark_and_captioned() -> None:
    bare = pixels(contact_sheet([RED], [""], ""))
    captioned = pixels(contact_sheet([RED], ["source 7\nexemplar"], "class 7"))
    assert bare[:40].max() < 60
    assert captioned[:40].max() > 150
    assert captioned[46 + 168 + 3 : 46 + 168 + 38].max() > 150


def test_a_caption_too_long_stays_in_its_cell() -> None:
    long = pixels(contact_sheet([RED] * 2, ["W" * 300, ""], ""))
    below = long[46 + 170 : 46 + 168 + 38]
    assert below[:, : 8 + 168].max() > 150
    assert below[:, 8 + 168 + 4 :].max() < 60


def test_a_missing_image_leaves_an_empty_cell() -> None:
    assert red_cells(contact_sheet([RED, None, RED], ["a", "b", "c"], "title")) == 2


def test_captions_must_match() -> None:
    with pytest.raises(ValueError, match="1 captions for 2 cutouts"):
        contact_sheet([RED, RED], ["a"], "title")


def test_exemplars_come_first_and_nothing_twice(findings) -> None:
    found = replace(findings.classes[0], exemplars=findings.classes[0].members[5:8])
    shown = gallery(found, 10)
    assert shown[:3] == found.exemplars
    assert shown[3:] == (*found.members[:5], *found.members[8:10])


def test_names_are_safe_and_unique(findings) -> None:
    found = findings.classes[0]
    ids = ["a/b", "a b", "a-b", "A-B", "../../etc", "", "é", "J1+2", "J1-2", "x" * 500, "con"]
    names = [sheet_name(replace(found, class_id=name)) for name in ids]
    assert len({name.lower() for name in names}) == len(ids)
    for name in names:
        assert Path(name).name == name and len(name) < 100
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_."), name
        assert name.startswith("001-") and name.endswith(".jpg")


def test_one_sheet_a_class_with_the_same_bytes_again(make, images_of, tmp_path: Path) -> None:
    found = make(4, n=400)
    images = images_of(shown_ids(found))
    once = write_sheets(found, images, tmp_path / "a")
    again = write_sheets(found, images_of(found.ids), tmp_path / "b")
    assert [p.name for p in once] == [sheet_name(c) for c in found.ranked]
    assert [p.read_bytes() for p in once] == [p.read_bytes() for p in again]
    assert set(images) >= {m for c in found.ranked for m in gallery(c, SHOWN)}
