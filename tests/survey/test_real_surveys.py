"""Real survey images, where they are at hand: all are read, and fast."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from skerry.survey import open_survey, prepare
from skerry.types import Contract

DATA = Path(os.environ.get("SKERRY_DATA", Path(__file__).parents[3] / "shared" / "data"))
"""The folder of the surveys; the environment variable SKERRY_DATA names another."""

SURVEYS = {
    "gz2_survey": ("files", 1823, {"id": "id_str", "image": "file_loc"}),
    "gz1_survey": ("files", 2176, {"id": "id_str", "image": "file_loc"}),
    "gz2_artefacts": ("files", 252, {"id": "id_str", "image": "file_loc"}),
    "decals_rings": (
        "files", 470, {"id": "id_str", "image": "file_loc", "ra": "ra", "dec": "dec"},
    ),
    "euclid_q1": (
        "files", 1375, {"id": "id_str", "image": "file_loc", "ra": "ra", "dec": "dec"},
    ),
    "first_radio": (
        "files", 1079, {"id": "id_str", "image": "file_loc", "ra": "ra", "dec": "dec"},
    ),
    "gz2_train": ("parquet", 28302, {"id": "id_str", "image": "image"}),
}  # fmt: skip


@pytest.mark.parametrize("name", SURVEYS)
def test_survey_opens_and_its_images_decode(name: str) -> None:
    if not (DATA / name).is_dir():
        pytest.skip(f"{name} is not in {DATA}; SKERRY_DATA names another folder")
    kind, n, choices = SURVEYS[name]
    survey = open_survey(DATA / name)
    assert (survey.kind, len(survey), survey.choices, survey.notes) == (kind, n, choices, ())
    places = survey.sources["location"]
    rows = range(0, min(n, 2000), 50)
    for row, raw in zip(rows, survey.images(rows), strict=True):
        assert isinstance(raw, bytes)
        assert prepare(raw, places[row].as_py(), Contract(96, {}, "whole")).pixels.std() > 0
