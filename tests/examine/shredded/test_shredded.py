"""Pieces of one galaxy are told from galaxies side by side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from skerry.answer import Answer
from skerry.errors import CannotAnswerError
from skerry.examine import ExamineConfig, Subject
from skerry.examine.shredded.answer import COPY, FRAGMENT, PARENT, shredded
from skerry.survey import Attributes
from skerry.types import ByteArray
from tests.examine.imaged import Sky, imaged

FEW = ExamineConfig(permutations=39)
PIECES = {"a1": (0, 0), "a2": (14, 3), "a3": (-9, 12)}
"""Recorded on one galaxy, arcsec east and north of its center."""
NEIGHBORS = {"b1": (-16, 0), "b2": (16, 5)}
"""Two galaxies in one frame."""


def sources(seed: int = 0) -> tuple[dict[str, ByteArray], np.ndarray]:
    """One galaxy recorded three times, two neighbors, and 25 galaxies alone, with places."""
    whole = Sky(seed=10 * seed).add(0, 0, 180, 12)
    beside = Sky(seed=10 * seed + 1).add(-16, 0, 150, 4).add(16, 5, 120, 4)
    shown = {name: whole.cutout(*place) for name, place in PIECES.items()}
    shown |= {name: beside.cutout(*place) for name, place in NEIGHBORS.items()}
    places = [(10 + e / 3600, n / 3600) for e, n in PIECES.values()]
    places += [(11 + e / 3600, n / 3600) for e, n in NEIGHBORS.values()]
    rng = np.random.default_rng(seed)
    for i in range(25):
        sky = Sky(seed=10 * seed + 2 + i).add(0, 0, rng.uniform(60, 200), rng.uniform(3, 9))
        shown[f"c{i:02d}"] = sky.cutout(0, 0)
        places.append((12 + i / 2, 1.0))
    return shown, np.array(places)


def subject_of(**changes: object) -> Subject:
    shown, places = sources()
    return imaged(shown, places, **changes)  # type: ignore[arg-type]


def roles(answer: Answer) -> dict[str, tuple[str, str]]:
    rows = answer.tables["shredded"].to_pylist()
    return {row["id_str"]: (row["role"], row["parent_id"]) for row in rows}


def test_the_pieces_and_nothing_else() -> None:
    answer = shredded(subject_of(), FEW)
    assert roles(answer) == {
        "a1": (PARENT, "a1"),
        "a2": (FRAGMENT, "a1"),
        "a3": (FRAGMENT, "a1"),
    }
    pairs = {(r["id_a"], r["id_b"]): r for r in answer.tables["pairs"].to_pylist()}
    assert pairs["a1", "a2"]["separation"] == pytest.approx(np.hypot(14, 3), rel=1e-3)
    assert pairs["b1", "b2"]["found"] == "separate light"
    assert pairs["b1", "b2"]["match"] > 0.97 > pairs["b1", "b2"]["match_null"]
    assert "3 of 30 sources" in answer.sentence
    assert "pieces of 1 galaxy:" in answer.sentence
    assert not answer.notes or "without" in answer.notes[0]


@pytest.mark.parametrize("seed", range(1, 4))
def test_the_order_of_rows_changes_nothing(seed: int) -> None:
    first, again = shredded(subject_of(), FEW), shredded(subject_of(seed=seed), FEW)
    for name, table in first.tables.items():
        assert again.tables[name].equals(table)
    assert first.sentence == again.sentence


def test_the_largest_is_the_parent_then_the_brightest_then_the_most_central() -> None:
    n = 30
    sizes, bright, alike = np.full(n, 5.0), np.full(n, 17.0), np.full(n, 5.0)
    sizes[1], bright[2], alike[:3] = 9.0, 15.0, (5.0, 5.01, 5.0)
    assert roles(shredded(subject_of(numbers={"r50": sizes, "mag_r": bright}), FEW))["a2"] == (
        PARENT,
        "a2",
    )
    for numbers in ({"mag_r": bright}, {"r50": alike, "mag_r": bright}):
        assert roles(shredded(subject_of(numbers=numbers), FEW))["a3"] == (PARENT, "a3")
    blank = {"r50": np.full(n, np.nan)}
    assert roles(shredded(subject_of(numbers=blank), FEW))["a1"] == (PARENT, "a1")


def test_a_class_of_pieces_is_called_that_and_one_of_galaxies_is_not() -> None:
    answer = shredded(subject_of(groups=[(0, 1, 2, 7), (5, 6, 8, 9)]), FEW)
    made, other = answer.of_class["SKR-a1"], answer.of_class["SKR-c00"]
    assert "class of fragments" in made
    assert "3 of 4 members" in made
    assert "None of 4 members" in other
    table = {r["of"]: r for r in answer.tables["clustering"].to_pylist()}
    assert table["SKR-a1"]["pairs"] == 3
    assert table["SKR-c00"]["pairs"] == 0
    assert list(table) == ["survey", "SKR-a1", "SKR-c00"]


def test_cutouts_with_south_up_are_found_out() -> None:
    shown, places = sources()
    flipped = {name: np.ascontiguousarray(image[::-1]) for name, image in shown.items()}
    answer = shredded(imaged(flipped, places), FEW)
    assert set(roles(answer)) == set(PIECES)
    assert any("south at the top" in note for note in answer.notes)


def test_pixel_scales_by_source_are_preferred_to_the_surveys() -> None:
    shown, places = sources()
    given = imaged(shown, places, numbers={"pixel_scale": [1.0] * 30}, pixel_scale=7.0)
    assert set(roles(shredded(given, FEW))) == set(PIECES)
    wrong = imaged(shown, places, numbers={"pixel_scale": [2.0] * 30}, pixel_scale=1.0)
    assert roles(shredded(wrong, FEW)) == {}


def test_the_very_image_of_another_is_a_copy_unless_pixels_differ() -> None:
    subject = subject_of()
    assert subject.images is not None
    shown = dict(subject.images(subject.ids))
    shown |= {"twin": shown["c03"], "other": shown["c04"]}
    row = subject.row["c03"]
    both = replace(
        subject,
        extras={"twin": row, "other": row},
        images=lambda ids: ((name, shown.get(name)) for name in ids),
    )
    answer = shredded(both, FEW)
    assert roles(answer)["twin"] == (COPY, "c03")
    assert "other" not in roles(answer)
    assert any("very image" in note for note in answer.notes)


def test_a_cutout_that_cannot_be_read_is_said() -> None:
    shown, places = sources()
    answer = shredded(imaged(shown | {"a3": None}, places), FEW)
    assert set(roles(answer)) == {"a1", "a2"}
    assert any("cannot be read" in note for note in answer.notes)


def test_what_is_missing_is_said() -> None:
    subject = subject_of()
    stretched = replace(subject.config.sources, stretch="log")
    degrees = Attributes({"pixel_scale": np.full(len(subject), 3e-4)}, {}, {"pixel_scale": "deg"})
    nowhere = np.full((len(subject), 2), np.nan)
    for changed, words in (
        (replace(subject, positions=None), "no positions"),
        (replace(subject, images=None), "no images"),
        (replace(subject, pixel_scale=None), "pixel_scale"),
        (replace(subject, positions=nowhere), "fewer than 2"),
        (replace(subject, attributes=degrees), "arcsec a pixel"),
        (replace(subject, images=lambda ids: ((i, None) for i in ids)), "can be read"),
        (replace(subject, config=replace(subject.config, sources=stretched)), "stretch"),
    ):
        with pytest.raises(CannotAnswerError, match=words):
            shredded(changed, FEW)


def test_a_survey_without_close_pairs_is_answered() -> None:
    shown, places = sources()
    kept = {name: image for name, image in shown.items() if name.startswith("c")}
    answer = shredded(imaged(kept, places[5:]), FEW)
    assert answer.answered
    assert answer.sentence.startswith("0 of 25 sources")
    assert answer.tables["pairs"].num_rows == 0
