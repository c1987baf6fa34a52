from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from skerry.cli.train import export, train  # noqa: E402
from skerry.represent.encoder import load  # noqa: E402
from skerry.store.runfolder import RunFolder  # noqa: E402

app = typer.Typer()
app.command()(train)
app.command()(export)

RECIPE = """
architecture = "test_efficientnet"
dimensions = 8
size = 16
stored_size = 16
first_size = 16
steps = 4
batch = 8
checkpoint_every = 2
held_out = 0.2
"""
TREE = """
name = "bright"
[[questions]]
name = "bright"
answers = ["yes", "no"]
"""


def call(*arguments: object) -> tuple[int, dict[str, object], str]:
    result = CliRunner().invoke(app, [str(a) for a in arguments] + ["--json"])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, json.loads(result.stdout), result.stderr


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("given")
    (folder / "recipe.toml").write_text(RECIPE)
    (folder / "tree.toml").write_text(TREE)
    (folder / "drop.txt").write_text("g3\nelsewhere\n")
    (folder / "data").mkdir()
    rng = np.random.default_rng(0)
    with (folder / "data" / "catalog.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["id_str", "file_loc", "bright_yes", "bright_no"])
        for i in range(24):
            pixels = rng.integers(0, 80 + 150 * (i % 2), (20, 20, 3)).astype(np.uint8)
            cv2.imwrite(str(folder / "data" / f"g{i}.png"), pixels)
            out.writerow([f"g{i}", f"g{i}.png", *((38, 2) if i % 2 else (2, 38))])
    return folder


def arguments(given: Path) -> list[object]:
    names = ["--recipe", given / "recipe.toml", "--schema", given / "tree.toml"]
    return ["train", given / "data", *names, "--drop-ids", given / "drop.txt"]


def test_a_training_is_stopped_resumed_exported_and_begun_from(given: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    code, found, told = call(*arguments(given), "-o", work, "--stop-after", 3)
    assert code == 0
    assert (found["step"], found["steps"], found["ended"]) == (3, 4, "stopped")
    assert (found["galaxies"], found["voted"], found["dropped"]) == (23, 23, 1)
    assert found["ids_not_found"] == ["elsewhere"]
    assert "held out loss" in told
    assert "Warning: warmup_steps = 500 of steps = 4" in told
    code, found, _ = call(*arguments(given), "-o", work)
    assert (code, found["step"], found["ended"]) == (0, 4, "finished")
    assert found["evaluation"]["step"] == 4  # type: ignore[index,call-overload]

    encoder = tmp_path / "encoder"
    crop = ["--crops", "424=0.45", "--field", "a disk", "--split", "100KB"]
    code, found, _ = call("export", work, "-o", encoder, *crop)
    assert (code, found["step"]) == (0, 4)
    loaded = load(str(encoder))
    assert (loaded.contract.crop_of(424), loaded.contract.field) == (0.45, "a disk")
    assert loaded.vote_columns == ("bright_yes", "bright_no")
    parts = list(encoder.glob("checkpoint.pt.part-*"))
    assert len(parts) > 1
    assert max(p.stat().st_size for p in parts) <= 100_000

    still = ["--set", "learning_rate=0.0", "--set", "steps=1", "--start-from", encoder]
    assert call(*arguments(given), "-o", tmp_path / "again", *still)[0] == 0
    before, after = (
        torch.load(folder / "checkpoint.pt", weights_only=True)["average"]["heads.weight"]
        for folder in (work, tmp_path / "again")
    )
    torch.testing.assert_close(after, before)
    code, found, _ = call("export", encoder, "-o", tmp_path / "split again", "--split", "1MB")
    assert code == 1
    assert "in parts already" in str(found["message"])
    parts[0].unlink()
    code, found, _ = call(*arguments(given), "-o", tmp_path / "third", *still)
    assert code == 1
    assert "is missing: bring all" in str(found["message"])


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--set", "stepps=3"], "did you mean 'steps'"),
        (["--set", "architecture=test_efficientnat"], "did you mean 'test_efficientnet'"),
        (["--schema", "gz9"], "no decision tree"),
        (["--start-from", "nowhere.pt"], "cannot be read"),
        (["--drop-ids", "nowhere.txt"], "cannot be read"),
        (["--precision", "8"], "precision is '8'"),
    ],
)
def test_what_is_wrong_is_said_before_any_image_is_read(
    more: list[str], said: str, given: Path, tmp_path: Path
) -> None:
    code, found, _ = call(*arguments(given), "-o", tmp_path / "work", *more)
    assert code == 1
    assert said in str(found["message"])
    assert not (tmp_path / "work").exists()


def test_a_folder_in_use_is_left_alone_and_nothing_untrained_exported(
    given: Path, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    with RunFolder(work, "").locked():
        code, found, _ = call(*arguments(given), "-o", work)
    assert code == 1
    assert "another process is at work" in str(found["message"])
    assert [p.name for p in work.iterdir()] == [".lock"]
    assert call(*arguments(given), "-o", work, "--minutes", 1e-9)[1]["step"] == 0
    code, found, _ = call("export", work, "-o", tmp_path / "encoder")
    assert code == 1
    assert "untrained" in str(found["message"])
    assert not (tmp_path / "encoder").exists()


@pytest.mark.parametrize("crop", ["424", "424=0", "424=1.5", "-3=0.5", "a=b"])
def test_a_crop_that_is_none_is_refused(crop: str, tmp_path: Path) -> None:
    code, found, _ = call("export", tmp_path, "-o", tmp_path / "e", f"--crops={crop}")
    assert code == 1
    assert "write SIDE=SHARE" in str(found["message"])


def test_without_torch_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skerry.cli.train.find_spec", lambda name: None if name == "timm" else name)
    code, found, _ = call("export", tmp_path, "-o", tmp_path / "e")
    assert code == 1
    assert "(timm missing): pip install 'skerry[train]'" in str(found["message"])
