from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from skerry import pipeline
from skerry.config import Config
from skerry.errors import ConfigError, ContractError, InputError
from skerry.recovering import Opened, of_kind, open_run
from skerry.recovering.simulated import Simulated
from skerry.simulate.sky import SEA, Sky, sky_of
from skerry.store.encoded import read_representations
from skerry.survey import decode
from skerry.types import ByteArray

SIZE = 128


def sky(**changes: Any) -> Sky:
    return sky_of("sdss", **{"size": SIZE, **changes})


@pytest.fixture(scope="module")
def png_run(survey_folder: Path, config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on some of the drawn survey's images, as PNG."""
    folder = tmp_path_factory.mktemp("png")
    (folder / "images").mkdir()
    for path in sorted((survey_folder / "images").iterdir())[:60]:
        pixels = decode(path.read_bytes(), path.name)
        cv2.imwrite(str(folder / "images" / f"{path.stem}.png"), pixels[..., ::-1])
    pipeline.run(folder / "images", folder / "run", config)
    return folder / "run"


@pytest.fixture
def drawn(survey_folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The simulator stands in: it gives images of the drawn survey; what it was asked."""
    asked: list[tuple[Any, ...]] = []
    paths = sorted((survey_folder / "images").iterdir())

    def draw_cutouts(
        kind: str, n: int, sky: Sky, *, seed: int, visibility: float = 1.0
    ) -> Iterator[ByteArray]:
        asked.append((kind, n, seed, visibility))
        for i in range(n):
            path = paths[(seed + i) % len(paths)]
            yield decode(path.read_bytes(), path.name)

    monkeypatch.setattr("skerry.simulate.draw_cutouts", draw_cutouts, raising=False)
    return asked


def test_simulated_sources_are_encoded_as_the_run_encoded_its_own(
    png_run: Path, drawn: list[tuple[Any, ...]]
) -> None:
    stored = read_representations(png_run / "representations")
    planter = of_kind("ring", sky())(open_run(png_run))
    assert np.array_equal(planter.draw(60, 0.5, 0), stored.vectors)
    assert np.array_equal(planter.control(40, 5), stored.vectors[5:45])
    assert drawn == [("ring", 60, 0, 0.5), (SEA, 40, 5, 1.0)]


@pytest.fixture(scope="module")
def png_opened(png_run: Path) -> Opened:
    return open_run(png_run)


def test_another_field_of_view_is_told(png_opened: Opened) -> None:
    assert of_kind("ring", sky())(png_opened).notes == ()
    (note,) = of_kind("ring", sky(size=64))(png_opened).notes
    assert "64 px wide" in note
    assert "most of the run's are 128 px" in note


def test_cutouts_are_drawn_as_wide_as_the_encoders_field(png_opened: Opened) -> None:
    """192 of the 8.48 R90 that 424 px of Galaxy Zoo show, not the sky's own width."""
    settings = png_opened.config
    whole = replace(settings.representations, crop=0.0)
    opened = replace(png_opened, config=replace(settings, representations=whole))
    planter = of_kind("ring", sky())(opened)
    assert isinstance(planter, Simulated)
    assert planter.sky.width == pytest.approx(192 / 424 * 8.48)
    assert planter.notes == ()
    # a crop of the run's own stands, and a camera's pixels are not told in radii
    cropped, fixed = (
        of_kind("ring", sky())(png_opened),
        of_kind("ring", sky(scaling="fixed"))(opened),
    )
    assert isinstance(cropped, Simulated) and isinstance(fixed, Simulated)
    assert cropped.sky.width == fixed.sky.width == 5.12


def test_other_bands_are_told(png_opened: Opened) -> None:
    (note,) = of_kind("ring", sky_of("decals", size=SIZE))(png_opened).notes
    assert "z, r, g" in note
    assert "i, r, g" in note


def test_the_identity_holds_the_sky(png_opened: Opened) -> None:
    a, b = (of_kind("ring", sky(width=w))(png_opened).identity for w in (3.0, 4.0))
    assert a != b
    assert of_kind("arc", sky(width=3.0))(png_opened).identity != a


def test_an_image_of_one_value_is_refused_by_name(
    png_opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    def blank(kind: str, n: int, sky: Sky, **rest: Any) -> Iterator[ByteArray]:
        yield from (np.zeros((SIZE, SIZE, 3), np.uint8) for _ in range(n))

    monkeypatch.setattr("skerry.simulate.draw_cutouts", blank, raising=False)
    with pytest.raises(InputError, match="simulated ring, number 0 of seed 4"):
        of_kind("ring", sky())(png_opened).draw(2, 1.0, 4)


def test_unknown_kinds_and_skies_are_refused_at_once() -> None:
    with pytest.raises(ConfigError, match="known: low-mass-barred"):
        of_kind("rings")
    with pytest.raises(ConfigError, match="no sky"):
        of_kind("ring", "sds")


def test_an_encoder_that_has_changed_is_refused(
    png_opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    from skerry.represent.encoder import load

    other = replace(load(), sha256="0" * 64)
    monkeypatch.setattr("skerry.recovering.imagery.load", lambda name: other)
    with pytest.raises(InputError, match="is not the one that made the run"):
        of_kind("ring", sky())(png_opened)


def test_a_field_too_small_for_the_contract_is_refused(
    png_opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    from skerry.represent.encoder import load

    encoder = load()
    wide = replace(encoder, contract=replace(encoder.contract, pixel_scale=10.0))
    monkeypatch.setattr("skerry.recovering.imagery.load", lambda name: wide)
    with pytest.raises(ContractError, match="simulated sky's settings"):
        of_kind("ring", sky(scaling="fixed"))(png_opened)
