from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from skerry.errors import InputError
from skerry.recovering import Opened, Planter, examples, of_images, open_run, recover
from skerry.store.encoded import read_representations
from skerry.survey import decode
from skerry.types import FloatArray

EXAMPLES = 4


@pytest.fixture(scope="module")
def drawn_run(finished: Path) -> Opened:
    return open_run(finished)


@pytest.fixture(scope="module")
def files(survey_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A few images of the drawn survey, under other names."""
    folder = tmp_path_factory.mktemp("examples")
    paths = sorted((survey_folder / "images").iterdir())[::37][:EXAMPLES]
    return [Path(shutil.copy(path, folder / f"mine-{i}.jpg")) for i, path in enumerate(paths)]


@pytest.fixture(scope="module")
def planter(drawn_run: Opened, files: list[Path]) -> Planter:
    return of_images(files[0].parent)(drawn_run)


def own_vectors(run: Opened, survey_folder: Path) -> FloatArray:
    """What the run's encoder gave each example."""
    stored = read_representations(run.path / "representations")
    names = [path.stem for path in sorted((survey_folder / "images").iterdir())][::37][:EXAMPLES]
    return stored.vectors[[stored.id_str.index(name) for name in names]]


def nearest(vectors: FloatArray, to: FloatArray) -> np.ndarray:
    return np.argmin(((vectors[:, None] - to[None]) ** 2).sum(2), axis=1)


def test_copies_are_like_their_examples_all_used_alike(
    planter: Planter, drawn_run: Opened, survey_folder: Path
) -> None:
    drawn = planter.draw(40, 1.0, 1)
    assert (drawn.shape, drawn.dtype) == ((40, drawn_run.space.vectors.shape[1]), np.float32)
    which = nearest(drawn, own_vectors(drawn_run, survey_folder))
    assert np.bincount(which, minlength=EXAMPLES).min() >= 7
    # they are copies, yet no two are one
    assert len(np.unique(drawn, axis=0)) == 40


def test_less_visible_copies_are_farther_from_their_examples(
    planter: Planter, drawn_run: Opened, survey_folder: Path
) -> None:
    own = own_vectors(drawn_run, survey_folder)

    def distance(visibility: float) -> float:
        drawn = planter.draw(40, visibility, 2)
        return float(np.sqrt(((drawn[:, None] - own[None]) ** 2).sum(2).min(axis=1)).mean())

    distances = [distance(v) for v in (1.0, 0.6, 0.2)]
    assert distances == sorted(distances)
    assert distances[2] > 1.3 * distances[0]


def test_control_sources_are_like_sources_of_the_survey(
    planter: Planter, drawn_run: Opened
) -> None:
    rng = np.random.default_rng(3)
    chosen = rng.choice(len(drawn_run), size=30, replace=False)
    drawn = planter.control(30, 3)
    assert np.mean(nearest(drawn, drawn_run.space.vectors) == chosen) > 0.5


def test_draws_are_seeded(planter: Planter) -> None:
    assert np.array_equal(planter.draw(8, 0.7, 4), planter.draw(8, 0.7, 4))
    assert not np.array_equal(planter.draw(8, 0.7, 4), planter.draw(8, 0.7, 5))
    assert not np.array_equal(planter.control(8, 4), planter.control(8, 5))


def test_files_or_folder_in_any_order_are_the_same(
    planter: Planter, drawn_run: Opened, files: list[Path]
) -> None:
    other = of_images(files[::-1])(drawn_run)
    assert other.identity == planter.identity
    assert np.array_equal(other.draw(6, 0.5, 1), planter.draw(6, 0.5, 1))


def test_the_images_of_the_survey_are_read_in_the_order_asked(
    planter: Planter, drawn_run: Opened, survey_folder: Path
) -> None:
    assert isinstance(planter, examples.Examples)
    side = 128  # of the drawn survey: nothing is resized
    got = list(planter.real.read([7, 2, 7], side))
    for image, row in zip(got, (7, 2, 7), strict=True):
        path = survey_folder / "images" / f"{drawn_run.ids[row]}.jpg"
        assert np.array_equal(image, decode(path.read_bytes(), path.name))


def test_it_is_called_optimistic(planter: Planter) -> None:
    assert planter.optimistic.startswith("This is optimistic")
    assert f"{EXAMPLES} images" in planter.optimistic


def test_a_class_of_examples_is_planted_and_searched_for(
    drawn_run: Opened, files: list[Path], tmp_path: Path
) -> None:
    made = []
    for name, threads in (("a", 1), ("b", 2)):
        found = recover(
            drawn_run.path,
            of_images(files),
            tmp_path / name,
            prevalences=[0.1],
            realizations=2,
            threads=threads,
        )
        made.append((tmp_path / name / "realizations.parquet").read_bytes())
    assert made[0] == made[1]
    assert [p.planted for p in found.points] == [17, 17]
    assert found.separations[1.0] is not None
    assert found.separations[None] is not None
    assert found.separations[1.0].enrichment > found.separations[None].enrichment


def test_too_few_or_unreadable_examples_are_refused(
    drawn_run: Opened, files: list[Path], judged: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="the examples are 2 different images; expected 3"):
        of_images(files[:2])(drawn_run)
    with pytest.raises(InputError, match="is no image file"):
        of_images([*files, tmp_path])(drawn_run)
    with pytest.raises(InputError, match=r"gone\.jpg does not exist"):
        of_images([*files, tmp_path / "gone.jpg"])(drawn_run)
    same = tmp_path / "same"
    same.mkdir()
    for name in ("a", "b", "c"):
        shutil.copy(files[0], same / f"{name}.jpg")
    with pytest.raises(InputError, match="3 example images show 1 different images"):
        of_images(same)(drawn_run)
    shutil.rmtree(same)
    for path in files:
        shutil.copy(path, tmp_path)
    (tmp_path / "broken.jpg").write_bytes(files[0].read_bytes()[:500])
    with pytest.raises(InputError, match=r"example broken\.jpg cannot be used"):
        of_images(tmp_path)(drawn_run)
    cv2.imwrite(str(tmp_path / "broken.jpg"), np.zeros((128, 128, 3), np.uint8))
    with pytest.raises(InputError, match=r"example broken\.jpg cannot be used"):
        of_images(tmp_path)(drawn_run)


def test_examples_of_another_size_are_told(
    drawn_run: Opened, files: list[Path], tmp_path: Path
) -> None:
    for path in files:
        pixels = cv2.resize(cv2.imread(str(path)), (96, 96))
        cv2.imwrite(str(tmp_path / f"{path.stem}.png"), pixels)
    (note,) = of_images(tmp_path)(drawn_run).notes
    assert "96 px wide" in note


def test_examples_that_are_sources_of_the_run_are_told(
    drawn_run: Opened, files: list[Path], tmp_path: Path
) -> None:
    (note,) = of_images(files)(drawn_run).notes
    assert note.startswith("4 of the 4 example images are sources of the run themselves")
    for path in files:
        pixels = cv2.imread(str(path))[:, ::-1]
        cv2.imwrite(str(tmp_path / f"{path.stem}.png"), pixels)
    assert of_images(tmp_path)(drawn_run).notes == ()


def test_a_survey_that_has_changed_is_refused(
    survey_folder: Path, finished: Path, files: list[Path], tmp_path: Path
) -> None:
    copy, run = tmp_path / "survey", tmp_path / "run"
    shutil.copytree(survey_folder, copy)
    shutil.copytree(finished, run)
    settings = (run / "config.toml").read_text()
    (run / "config.toml").write_text(settings.replace(str(survey_folder), str(copy)))
    of_images(files)(open_run(run))
    (copy / "images" / sorted(p.name for p in (copy / "images").iterdir())[0]).unlink()
    with pytest.raises(InputError, match="is not as it was"):
        of_images(files)(open_run(run))
