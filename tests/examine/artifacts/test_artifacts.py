"""Classes that an instrument made are called so, with their cause, and others are not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from skerry.answer import Answer
from skerry.errors import CannotAnswerError, ConfigError
from skerry.examine import ExamineConfig, Subject
from skerry.examine.artifacts import artifacts
from skerry.examine.artifacts.pixels import Evidence, evidence_of
from skerry.types import ByteArray
from tests.examine.artifacts.spoiled import plain, spoiled
from tests.examine.imaged import imaged

FEW = ExamineConfig(permutations=99)
OF_CLASS, SEA = 12, 36
_MEASURED: dict[bytes, Evidence | None] = {}


@pytest.fixture(autouse=True)
def _measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Images come again in most tests: each is measured once."""

    def evidence(pixels: ByteArray) -> Evidence | None:
        key = pixels.tobytes()
        if key not in _MEASURED:
            _MEASURED[key] = evidence_of(pixels)
        return _MEASURED[key]

    monkeypatch.setattr("skerry.examine.artifacts.measured_classes.evidence_of", evidence)


@cache
def images() -> dict[str, ByteArray]:
    """Trails, missing bands with three plain ones among them, plain galaxies, and a sea."""
    shown = {f"a{i:02d}": spoiled("satellite-trail", i) for i in range(OF_CLASS)}
    shown |= {f"b{i:02d}": spoiled("missing-band", i) for i in range(OF_CLASS - 3)}
    shown |= {f"b{i:02d}": plain(40 + i) for i in range(OF_CLASS - 3, OF_CLASS)}
    shown |= {f"c{i:02d}": plain(60 + i) for i in range(OF_CLASS)}
    shown |= {f"d{i:02d}": plain(100 + i) for i in range(SEA)}
    return shown


GROUPS = [tuple(range(k * OF_CLASS, (k + 1) * OF_CLASS)) for k in range(3)]
TRAILED = [f"a{i:02d}" for i in range(5)]
TRAILS, BANDS, PLAIN = "SKR-a00", "SKR-b00", "SKR-c00"


def columns(seed: int = 0) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Positions, detectors and seeing: bands are missing on one detector, trails in bad seeing."""
    n, rng = len(images()), np.random.default_rng(seed)
    places = np.stack([rng.uniform(0, 5, n), rng.uniform(0, 5, n)], axis=1)
    detector = [f"S{k:02d}" for k in rng.integers(0, 10, n)]
    seeing = rng.normal(1.3, 0.1, n)
    for i in GROUPS[1][:9]:
        detector[i] = "S04"
    seeing[list(GROUPS[0])] += 0.3
    return places, detector, seeing


@cache
def answer_of(seed: int = 0) -> Answer:
    return artifacts(subject_of(seed), FEW)


def subject_of(seed: int = 0) -> Subject:
    places, detector, seeing = columns()
    return imaged(
        images(), places, GROUPS, {"psf_fwhm_r": seeing}, {"detector": detector}, seed=seed
    )


def rows(answer: Answer, table: str, class_id: str) -> list[dict[str, object]]:
    return [r for r in answer.tables[table].to_pylist() if r["class_id"] == class_id]


def test_causes_are_named_and_a_class_of_galaxies_is_left_alone() -> None:
    answer = answer_of()
    called = {r["class_id"]: r for r in answer.tables["artifacts"].to_pylist()}
    assert (called[TRAILS]["verdict"], called[TRAILS]["cause"]) == (
        "instrumental",
        "satellite-trail",
    )
    assert (called[BANDS]["verdict"], called[BANDS]["cause"]) == ("instrumental", "missing-band")
    assert (called[PLAIN]["verdict"], called[PLAIN]["cause"]) == ("no sign", "none")
    assert called[BANDS]["share"] == pytest.approx(9 / 12, abs=0.1)
    assert called[BANDS]["share_low"] < called[BANDS]["share"] < called[BANDS]["share_high"]
    assert "2 of 3 classes are instrumental" in answer.sentence
    assert "SKR-a00 (satellite-trail)" in answer.sentence
    assert answer.of_class[TRAILS].startswith("Instrumental, by satellite-trail")
    assert answer.of_class[PLAIN].startswith("No sign")


def test_where_members_gather_and_what_they_differ_in() -> None:
    answer = answer_of()
    found = {(r["class_id"], r["column"]): r for r in answer.tables["gathered"].to_pylist()}
    assert found[BANDS, "detector"]["q_value"] <= 0.05
    assert "in S04" in str(found[BANDS, "detector"]["most"])
    assert found[TRAILS, "psf_fwhm_r"]["q_value"] <= 0.05
    assert found[TRAILS, "psf_fwhm_r"]["statistic"] > 0.5
    others = [
        r for key, r in found.items() if key not in ((BANDS, "detector"), (TRAILS, "psf_fwhm_r"))
    ]
    assert len(others) == 7
    assert sum(r["q_value"] <= 0.05 for r in others) <= 1
    assert "gather in detector" in answer.of_class[BANDS]
    assert "higher psf_fwhm_r" in answer.of_class[TRAILS]
    assert any("brick" in note for note in answer.notes)
    assert any("depth" in note for note in answer.notes)


def test_half_of_the_members_spoiled_is_no_reason_to_drop_a_class() -> None:
    """Five of twelve trails stand out from the sea and are told, but name no class."""
    kept = {k: v for k, v in images().items() if k in TRAILED or k[0] in "cd"}
    answer = artifacts(imaged(kept, groups=[range(12)]), FEW)
    (row,) = answer.tables["artifacts"].to_pylist()
    assert row["verdict"] != "instrumental"
    trail = next(r for r in answer.tables["causes"].to_pylist() if r["cause"] == "satellite-trail")
    assert trail["members"] == 5
    assert "more than the sea: satellite-trail 5" in answer.of_class[TRAILS]


def test_a_survey_that_is_spoiled_throughout_has_no_class_to_blame() -> None:
    shown = {f"a{i:02d}": spoiled("satellite-trail", i) for i in range(34)}
    answer = artifacts(imaged(shown, groups=[range(12)]), FEW)
    (row,) = answer.tables["artifacts"].to_pylist()
    assert row["sea_share"] > 0.8
    assert row["verdict"] != "instrumental"


def test_members_that_gather_without_a_cause_are_told() -> None:
    places, detector, _ = columns()
    words = {"detector": ["S01" if i in GROUPS[2] else name for i, name in enumerate(detector)]}
    answer = artifacts(imaged(images(), places, GROUPS[2:], words=words), FEW)
    (row,) = answer.tables["artifacts"].to_pylist()
    assert (row["verdict"], row["cause"]) == ("gathered", "none")
    assert "1 more gather" in answer.sentence


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_rows_changes_no_cause(seed: int) -> None:
    for name in ("artifacts", "causes", "sources"):
        assert answer_of(seed).tables[name].equals(answer_of().tables[name])


def test_random_groups_of_galaxies_are_not_called_instrumental() -> None:
    """Of forty groups drawn from the sea and the plain class none is."""
    rng = np.random.default_rng(0)
    start = GROUPS[2][0]
    for _ in range(20):
        picked = rng.permutation(np.arange(start, len(images())))[:20].reshape(2, 10)
        answer = artifacts(imaged(images(), groups=picked.tolist()), FEW)
        verdicts = [r["verdict"] for r in answer.tables["artifacts"].to_pylist()]
        assert "instrumental" not in verdicts


def test_further_columns_are_looked_at() -> None:
    night = ["n1" if i in GROUPS[2] else f"n{i % 7 + 2}" for i in range(len(images()))]
    subject = imaged(images(), None, GROUPS[2:], {"airmass": range(len(night))}, {"night": night})
    answer = artifacts(subject, replace(FEW, columns="night, airmass"))
    found = {r["column"]: r for r in rows(answer, "gathered", PLAIN)}
    assert found["night"]["kind"] == "words"
    assert found["night"]["q_value"] <= 0.05
    assert found["airmass"]["kind"] == "numbers"
    with pytest.raises(ConfigError, match="no column 'nigth'"):
        artifacts(subject, replace(FEW, columns="nigth"))


def test_without_images_what_gathers_is_told_and_without_anything_that_is() -> None:
    blind = replace(subject_of(), images=None)
    answer = artifacts(blind, FEW)
    assert "could not be looked at" in answer.sentence
    called = {r["class_id"]: r["verdict"] for r in answer.tables["artifacts"].to_pylist()}
    assert called == {TRAILS: "not measured", BANDS: "gathered", PLAIN: "not measured"}
    assert "sources" not in answer.tables
    with pytest.raises(CannotAnswerError, match="no images"):
        artifacts(replace(imaged(images(), None, GROUPS), images=None), FEW)
    with pytest.raises(CannotAnswerError, match="no class"):
        artifacts(imaged(images()), FEW)


def test_images_that_cannot_be_read_are_left_out() -> None:
    shown: dict[str, ByteArray | None] = dict(images())
    shown |= {"a00": None, "a01": None}
    answer = artifacts(imaged(shown, groups=GROUPS[:1]), FEW)
    (row,) = answer.tables["artifacts"].to_pylist()
    assert row["measured"] == OF_CLASS - 2
    gone: Sequence[str] = [name for name in shown if name.startswith("a")]
    answer = artifacts(imaged(shown | dict.fromkeys(gone), groups=GROUPS[:1]), FEW)
    assert answer.of_class[TRAILS].startswith("None of its images")
