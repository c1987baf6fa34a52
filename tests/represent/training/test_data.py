from __future__ import annotations

import fcntl
import re
import threading
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from skerry.errors import DiskError, InputError, TooManyFailuresError  # noqa: E402
from skerry.represent.training import stored  # noqa: E402
from skerry.represent.training.data import batch_rows, read_training_set, split  # noqa: E402
from skerry.represent.training.readers import Galaxies  # noqa: E402
from skerry.represent.training.recipe import Recipe  # noqa: E402
from skerry.represent.trees.schema import Question, Schema  # noqa: E402

SCHEMA = Schema("s", (Question("bright", ("yes", "no")),))
RECIPE = Recipe(stored_size=8, batch=16, volunteers=40)


def galaxies(n: int = 6, broken: tuple[int, ...] = (), **columns: object) -> Galaxies:
    """Drawn images, of another value each, of 16 px."""
    files = []
    for i in range(n):
        pixels = np.random.default_rng(i).integers(0, 256, (16, 16, 3)).astype(np.uint8)
        files.append(cv2.imencode(".png", pixels)[1].tobytes() if i not in broken else b"\x89PNG")
    ids = tuple(f"g{i}" for i in range(n))
    table = pa.table(columns or {"bright_yes": [30] * n, "bright_no": [10] * n})
    return Galaxies(
        ids, tuple(f"{i}.png" for i in ids), table, lambda r: (files[i] for i in r), "f"
    )


def test_images_are_shrunk_by_area_and_mapped_from_a_file(tmp_path: Path) -> None:
    source = galaxies()
    data, found = read_training_set(source, RECIPE, SCHEMA, tmp_path)
    assert isinstance(data.images, np.memmap)
    assert data.images.shape == (6, 3, 8, 8)
    pixels = cv2.imdecode(np.frombuffer(next(source.images([4])), np.uint8), cv2.IMREAD_COLOR_RGB)
    expected = cv2.resize(pixels, (8, 8), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(data.images[4].transpose(1, 2, 0), expected)
    assert data.counts.tolist() == [[30.0, 10.0]] * 6
    assert found["galaxies"] == found["voted"] == 6
    batch = data.take(np.array([4, 1]))
    np.testing.assert_array_equal(batch.images[0], data.images[4])


def test_images_are_decoded_once_and_again_when_something_changes(tmp_path: Path) -> None:
    first = read_training_set(galaxies(), RECIPE, SCHEMA, tmp_path)[0]
    never = replace(galaxies(), images=lambda rows: pytest.fail("decoded again"))
    again = read_training_set(never, RECIPE, SCHEMA, tmp_path)[0]
    np.testing.assert_array_equal(again.images, first.images)
    for recipe in (replace(RECIPE, stored_size=4), replace(RECIPE, crop=0.5)):
        assert not np.array_equal(
            read_training_set(galaxies(), recipe, SCHEMA, tmp_path)[0].images, first.images
        )
    changed = replace(galaxies(), fingerprint="g")
    read_training_set(changed, RECIPE, SCHEMA, tmp_path)
    assert len(list(tmp_path.glob("*.npy"))) == 4


def test_a_store_that_was_cut_short_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(path: Path, text: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(stored, "write_text", cut)
    with pytest.raises(KeyboardInterrupt):
        read_training_set(galaxies(), RECIPE, SCHEMA, tmp_path)
    monkeypatch.undo()
    assert len(read_training_set(galaxies(), RECIPE, SCHEMA, tmp_path)[0]) == 6


@pytest.mark.parametrize("ending", [".npy", ".structure.npy", ".json"])
@pytest.mark.parametrize("damage", ["cut", "emptied", "removed", "replaced"])
def test_damaged_files_are_made_again(ending: str, damage: str, tmp_path: Path) -> None:
    recipe = replace(RECIPE, structure_dimensions=3)
    first = read_training_set(galaxies(), recipe, SCHEMA, tmp_path)[0]
    images, targets = np.array(first.images), first.structure.clone()
    (path,) = (p for p in tmp_path.iterdir() if re.fullmatch(rf"\w+(\.[\d.]+)?{ending}", p.name))
    whole = path.read_bytes()
    if damage == "removed":
        path.unlink()
    else:
        cut = whole[: len(whole) - 5]
        path.write_bytes({"cut": cut, "emptied": b"", "replaced": b'{"failures": 3}'}[damage])
    again = read_training_set(galaxies(), recipe, SCHEMA, tmp_path)[0]
    np.testing.assert_array_equal(again.images, images)
    assert torch.equal(again.structure, targets)
    assert path.read_bytes() == whole


def test_images_of_a_catalog_in_another_order_are_not_those_of_the_first(tmp_path: Path) -> None:
    first = galaxies()
    whole = read_training_set(first, RECIPE, SCHEMA, tmp_path)[0].images
    turned = replace(
        first, ids=first.ids[::-1], images=lambda rows: first.images([5 - r for r in rows])
    )
    again = read_training_set(turned, RECIPE, SCHEMA, tmp_path)[0].images
    np.testing.assert_array_equal(again, whole[::-1])


def test_a_second_process_waits_for_the_first_and_clears_what_was_left(tmp_path: Path) -> None:
    read_training_set(galaxies(), RECIPE, SCHEMA, tmp_path)
    (lock,) = tmp_path.glob(".*.lock")
    left = tmp_path / f".{lock.name.split('.')[1]}.npy.0.part"
    left.touch()
    ended: list[int] = []
    work = threading.Thread(
        target=lambda: ended.append(len(read_training_set(galaxies(), RECIPE, SCHEMA, tmp_path)[0]))
    )
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        work.start()
        work.join(0.3)
        assert not ended
        assert left.exists()
    work.join(20)
    assert ended == [6]
    assert not left.exists()


def test_the_digest_tells_votes_ids_and_images_apart(tmp_path: Path) -> None:
    def digest(source: Galaxies) -> str:
        return read_training_set(source, RECIPE, SCHEMA, tmp_path)[0].digest

    first = digest(galaxies())
    assert digest(galaxies()) == first
    others = [
        galaxies(bright_yes=[30] * 5 + [29], bright_no=[10] * 6),
        replace(galaxies(), ids=(*galaxies().ids[:5], "other")),
        replace(galaxies(), fingerprint="g"),
    ]
    assert len({first, *map(digest, others)}) == 4


def test_votes_that_are_wrong_are_told_with_the_galaxy(tmp_path: Path) -> None:
    bad = galaxies(bright_yes=[30] * 4 + [-1, 3], bright_no=[10] * 6)
    with pytest.raises(InputError, match=r"is -1 at row 4 \(id_str g4\)"):
        read_training_set(bad, RECIPE, SCHEMA, tmp_path)


def test_one_band_is_the_mean_of_the_planes(tmp_path: Path) -> None:
    color = read_training_set(galaxies(), RECIPE, SCHEMA, tmp_path)[0].images
    gray = read_training_set(galaxies(), replace(RECIPE, bands=1), SCHEMA, tmp_path)[0].images
    assert gray.shape == (6, 1, 8, 8)
    np.testing.assert_allclose(gray[:, 0], color.mean(1), atol=0.51)


def test_dropped_ids_are_left_out_counted_and_reported(tmp_path: Path) -> None:
    dropped = frozenset({"g1", "g4", "elsewhere"})
    whole = read_training_set(galaxies(), RECIPE, SCHEMA, tmp_path)[0]
    data, found = read_training_set(galaxies(), RECIPE, SCHEMA, tmp_path, dropped=dropped)
    np.testing.assert_array_equal(data.images, whole.images[[0, 2, 3, 5]])
    assert found["dropped"] == 2
    assert found["ids_not_found"] == ["elsewhere"]
    everything = frozenset(galaxies().ids)
    with pytest.raises(InputError, match="no galaxy is left"):
        read_training_set(galaxies(), RECIPE, SCHEMA, tmp_path, dropped=everything)


def test_a_broken_image_is_left_out_by_name_and_many_are_an_error(tmp_path: Path) -> None:
    votes = {"bright_yes": list(range(6)), "bright_no": [10] * 6}
    data, found = read_training_set(galaxies(broken=(2,), **votes), RECIPE, SCHEMA, tmp_path)
    assert data.counts[:, 0].tolist() == [0, 1, 3, 4, 5]
    whole = read_training_set(galaxies(**votes), RECIPE, SCHEMA, tmp_path / "b")[0]
    np.testing.assert_array_equal(data.images, whole.images[[0, 1, 3, 4, 5]])
    assert len(found["unreadable"]) == 1
    assert found["unreadable"][0].startswith("g2: ")
    with pytest.raises(TooManyFailuresError, match="g2"):
        read_training_set(galaxies(broken=(2, 3)), RECIPE, SCHEMA, tmp_path / "c")


def test_a_full_disk_is_met_before_images_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage:
        free = 100

    monkeypatch.setattr(stored.shutil, "disk_usage", lambda folder: Usage)
    with pytest.raises(DiskError, match="--cache"):
        read_training_set(galaxies(), RECIPE, SCHEMA, tmp_path)


def test_no_votes_are_an_error_unless_something_else_is_learned(tmp_path: Path) -> None:
    blank = galaxies(row=pa.nulls(6))
    with pytest.raises(InputError, match="no galaxy has votes"):
        read_training_set(blank, RECIPE, SCHEMA, tmp_path)
    for recipe in (
        replace(RECIPE, contrast_weight=1.0),
        replace(RECIPE, structure_dimensions=3),
    ):
        data, found = read_training_set(blank, recipe, SCHEMA, tmp_path)
        assert found["voted"] == found["labeled"] == 0
        assert data.structure.shape == (6, recipe.structure_dimensions)


def test_a_label_of_another_tree_is_refused_unless_labels_weigh_nothing(tmp_path: Path) -> None:
    columns = {"bright_yes": [30] * 6, "bright_no": [10] * 6, "summary": ["spiral"] * 6}
    with pytest.raises(InputError, match="labels_weight=0"):
        read_training_set(galaxies(**columns), RECIPE, SCHEMA, tmp_path)
    recipe = replace(RECIPE, labels_weight=0.0)
    assert read_training_set(galaxies(**columns), recipe, SCHEMA, tmp_path)[1]["voted"] == 6


def test_the_split_holds_out_a_share_and_enough_to_judge_by() -> None:
    learned, held_out = split(100, replace(RECIPE, held_out=0.1))
    assert len(held_out) == 10
    assert sorted([*learned, *held_out]) == list(range(100))
    with pytest.raises(InputError, match="holds out 1 of 20"):
        split(20, replace(RECIPE, held_out=0.05))


@given(n=st.integers(1, 60), voted=st.floats(0, 1), share=st.floats(0, 1), seed=st.integers(0, 99))
def test_batches_are_full_a_function_of_the_step_and_show_everything(
    n: int, voted: float, share: float, seed: int
) -> None:
    recipe = replace(RECIPE, voted_share=share, seed=seed)
    has = np.random.default_rng(seed).random(n) < voted
    rows = [batch_rows(has, recipe, step) for step in range(8)]
    np.testing.assert_array_equal(rows[5], batch_rows(has, recipe, 5))
    assert all(len(r) == 16 for r in rows)
    shown = np.bincount(np.concatenate(rows), minlength=n)
    for kind in (has, ~has):  # within a kind, none comes twice before all came once
        assert not kind.any() or np.ptp(shown[kind]) <= 1
    if has.any() and not has.all():
        assert {has[r].sum() for r in rows} == {round(16 * share)}


def test_votes_of_galaxies_without_a_class_label_count_as_the_recipe_says(tmp_path: Path) -> None:
    summaries = ["spiral", None, "spiral", None, None, "spiral"]
    columns = {"bright_yes": [30] * 6, "bright_no": [10] * 6, "summary": summaries}
    recipe = replace(RECIPE, labels_weight=0.0, unlabeled_weight=5.0)
    data, _ = read_training_set(galaxies(**columns), recipe, SCHEMA, tmp_path)
    assert data.weight.tolist() == [1, 5, 1, 5, 5, 1]
    assert data.take(np.array([1, 2])).weight.tolist() == [5, 1]
