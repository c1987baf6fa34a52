from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from skerry import scoring
from skerry.cli.score import score as score_command
from skerry.errors import InputError
from skerry.progress import silent
from skerry.represent import encoder as encoders
from skerry.represent.encoder import Encoder
from skerry.represent.score.images import read_images
from skerry.represent.score.invariance import views
from skerry.represent.score.notes import on_ways
from skerry.represent.score.result import VIEWS, Row
from skerry.represent.score.ways import ways
from skerry.represent.trees.schema import GZ2
from skerry.survey import open_survey
from skerry.types import ByteArray, Contract, FloatArray

SIZE = 16
CONTRACT = Contract(SIZE, {40: 0.8}, "the middle")
ROOT = GZ2.slices[0]


class Coarse(Encoder):
    """Sees an image as 4 x 4 colors; votes 'smooth' by how bright its middle is."""

    def encode(self, pixels: ByteArray) -> tuple[FloatArray, FloatArray]:
        assert len(pixels) <= self.batch
        blocks = pixels.reshape(-1, 4, 4, 4, 4, 3).mean((2, 4)) / 255
        vectors = blocks.reshape(-1, 48).astype(np.float32)
        smooth = blocks[:, 1:3, 1:3].mean((1, 2, 3))
        shares = np.stack([smooth, 1 - smooth, 0 * smooth], 1)
        return vectors, shares.astype(np.float32)


def coarse(name: str = "coarse") -> Coarse:
    return Coarse(name, "c" * 64, CONTRACT, 8, 48, GZ2.columns[ROOT], None)


def galaxy(rng: np.random.Generator, color: tuple[float, float, float], bright: float) -> bytes:
    """An off-center blob of a color on a noisy sky, 40 px."""
    rows, columns = np.mgrid[:40, :40]
    x, y = rng.uniform(15, 25, 2)
    light = np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * rng.uniform(3, 6) ** 2))
    pixels = 200 * bright * light[..., None] * np.array(color) + rng.uniform(0, 40, (40, 40, 3))
    return bytes(cv2.imencode(".png", pixels.astype(np.uint8)[..., ::-1])[1].tobytes())


def drawn(n: int, seed: int) -> tuple[list[bytes], list[str], np.ndarray]:
    """Images, labels (one in four is blue) and vote fractions (smooth as it is bright)."""
    rng = np.random.default_rng(seed)
    labels = ["blue" if i % 4 == 0 else "red" for i in range(n)]
    bright = rng.uniform(0.3, 1.0, n)
    colors = {"blue": (0.2, 0.4, 1.0), "red": (1.0, 0.5, 0.3)}
    images = [galaxy(rng, colors[k], b) for k, b in zip(labels, bright, strict=True)]
    votes = np.zeros((n, len(GZ2.columns)))
    votes[:, 0] = bright
    votes[:, 1] = 1 - bright
    return images, labels, votes


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``seen``, to score on; ``others``, to fit on; ``artifacts``."""
    root = tmp_path_factory.mktemp("scored")
    images, labels, votes = drawn(48, seed=1)
    (root / "seen").mkdir()
    with (root / "seen" / "catalogue.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id_str", "file_loc", "label", *(f"{c}_fraction" for c in GZ2.columns)])
        for i, image in enumerate(images):
            (root / "seen" / f"g{i:02d}.png").write_bytes(image)
            writer.writerow([f"g{i:02d}", f"g{i:02d}.png", labels[i], *votes[i]])
        writer.writerow(["lost", "lost.png", "red", *votes[0]])
    images, _, votes = drawn(70, seed=2)
    columns: dict[str, list[float | None]] = {}
    for name, column in zip(GZ2.columns, votes.T, strict=True):
        columns[f"{name}_fraction"] = [v if i < 60 else None for i, v in enumerate(column)]
    inside = [{"bytes": image, "path": f"f{i}.png"} for i, image in enumerate(images)]
    ids = [f"f{i}" for i in range(70)]
    (root / "others").mkdir()
    pq.write_table(
        pa.table({"id_str": ids, "image": inside} | columns), root / "others" / "a.parquet"
    )
    (root / "artifacts").mkdir()
    rng = np.random.default_rng(3)
    for i in range(45):
        (root / "artifacts" / f"a{i}.png").write_bytes(galaxy(rng, (1.0, 1.0, 1.0), 1.0))
    return root


@pytest.fixture(scope="module")
def full(folders: Path) -> scoring.Score:
    """Everything at once, the untrained network played by the encoder itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "untrained", lambda encoder, seed: coarse("blank"))
        return measured(folders, threads=1)


def measured(folders: Path, threads: int) -> scoring.Score:
    return scoring.score(
        folders / "seen",
        coarse(),
        fit=folders / "others",
        artifacts=folders / "artifacts",
        threads=threads,
    )


def row(score: scoring.Score, section: str, subject: str, way: str = "encoder") -> Row:
    [found] = [r for r in score.rows if (r.section, r.subject, r.way) == (section, subject, way)]
    return found


def test_every_part_is_measured_beside_its_controls(full: scoring.Score) -> None:
    controls = {"encoder", "encoder, 8 views", "untrained network", "pixels"}
    ways: dict[str, set[str]] = {}
    for r in full.rows:
        ways.setdefault(r.section, set()).add(r.way)
    assert ways == {
        "votes": {*controls, "encoder, ridge", "shuffled labels", "survey's mean"},
        "enrichment": controls | {"shuffled labels"},
        "precision": controls | {"shuffled labels"},
        "artifacts": controls,
        "probe": controls | {"shuffled labels"},
        "first": controls,
        "top5": controls,
        "dimensions": controls,
    }
    assert (full.n, full.failed) == (48, 1)
    for r in full.rows:
        if r.low is not None and r.high is not None:
            assert r.low <= r.value <= r.high, r


def test_numbers_are_what_the_drawn_galaxies_say(full: scoring.Score) -> None:
    blue = row(full, "enrichment", "blue")
    assert blue.n == 12
    assert blue.ceiling == pytest.approx(11 / 20 * 47 / 11)
    assert blue.value > 1.5 > 1.3 > row(full, "enrichment", "blue", "shuffled labels").value
    assert row(full, "probe", "blue, 10 labels").value > 0.95
    assert row(full, "first", "mirrored", "encoder, 8 views").value == 1.0
    assert row(full, "first", "rotated and shifted").value < 0.9
    assert row(full, "first", "shifted").n == 48
    # the heads are off by design, a ridge learns brightness, exchanged votes teach nothing
    root, bar = GZ2.questions[0].name, "bar-gz2"
    ridge = row(full, "votes", root, "encoder, ridge")
    assert ridge.value < row(full, "votes", root).value
    assert ridge.value < 0.8 * row(full, "votes", root, "shuffled labels").value
    # where there is no head, the encoder's row is the ridge's
    assert row(full, "votes", bar).value == row(full, "votes", bar, "encoder, ridge").value


def test_the_untrained_control_is_the_network_it_is_given(full: scoring.Score) -> None:
    subjects = {"enrichment": "blue", "first": "mirrored", "probe": "red, 10 labels"}
    for section, subject in subjects.items():
        same = row(full, section, subject, "untrained network")
        assert same.value == row(full, section, subject).value


def test_views_of_an_equalized_encoder_are_averaged_as_they_are(folders: Path) -> None:
    plain = coarse("plain")
    even = replace(plain, name="even", equalized={"power": 0.75, "floor": 1e-3, "images": 9})
    pixels = read_images(open_survey(folders / "seen"), plain, range(48), 1, silent).pixels
    found = {}
    for encoder in (plain, even):
        looks = ways(encoder, 8, coarse("blank"), pixels, 0, 1, silent)
        found[encoder.name] = looks[VIEWS](pixels)[0], looks["untrained network"](pixels)[0]
        said = "untrained network is not, and its vectors have unit length" in " ".join(
            on_ways(encoder, looks)
        )
        assert said == (encoder is even)
    mean = np.mean([plain_vectors(plain, v) for v in views(pixels)], axis=0)
    np.testing.assert_allclose(found["even"][0], mean, rtol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(found["plain"][0], axis=1), 1)
    np.testing.assert_array_equal(found["even"][1], found["plain"][1])


def plain_vectors(encoder: Encoder, pixels: ByteArray) -> np.ndarray:
    starts = range(0, len(pixels), encoder.batch)
    return np.concatenate([encoder.encode(pixels[s : s + encoder.batch])[0] for s in starts])


def test_bytes_do_not_depend_on_threads_or_place(full, folders, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(scoring, "untrained", lambda encoder, seed: coarse("blank"))
    full.write(tmp_path / "one")
    measured(folders, threads=3).write(tmp_path / "three")
    for name in ("scores.json", "scores.md", "scores.png"):
        data = (tmp_path / "one" / name).read_bytes()
        assert data == (tmp_path / "three" / name).read_bytes()
        assert str(folders).encode() not in data


def test_tables_name_what_was_scored_and_hold_every_value(full: scoring.Score) -> None:
    text = full.markdown()
    assert "coarse on seen" in text and "c" * 64 in text
    assert "1 sources have no usable image" in text
    assert "| blue | 12 | 2.35 |" in text
    digits = {"votes": 4, "enrichment": 2, "artifacts": 2, "dimensions": 1}
    for r in full.rows:
        assert f" {r.value:.{digits.get(r.section, 3)}f} " in text
    assert "not measured" in text  # heads over 8 views, of answers without a head


def test_without_fit_controls_and_views_only_the_encoder_is_measured(folders: Path) -> None:
    found = scoring.score(folders / "seen", coarse(), controls=False, views=1)
    assert {r.way for r in found.rows} == {"encoder", "shuffled labels", "survey's mean"}
    assert {r.subject for r in found.rows if r.section == "votes" and r.way == "encoder"} == {
        "3 answers with heads", GZ2.questions[0].name
    }  # fmt: skip
    assert any("only answers with heads" in note for note in found.notes)


def test_what_cannot_be_scored_is_said_before_anything_is_encoded(folders, tmp_path) -> None:
    class Never(Coarse):
        def encode(self, pixels: ByteArray) -> tuple[FloatArray, FloatArray]:
            raise AssertionError("encoded")

    def tried(folder: Path = folders / "seen", **options: object) -> None:
        never = Never("never", "", CONTRACT, 8, 48, (), None)
        scoring.score(folder, never, controls=False, **options)  # type: ignore[arg-type]

    with pytest.raises(InputError, match="views is 3; expected 1, or 8"):
        tried(views=3)
    with pytest.raises(InputError, match="expected at least 40"):
        for i in range(3):
            (tmp_path / f"{i}.png").write_bytes(galaxy(np.random.default_rng(i), (1, 1, 1), 1))
        tried(artifacts=tmp_path)
    with pytest.raises(InputError, match="nothing to fit for"):
        ring = tmp_path / "ring"
        ring.mkdir()
        (ring / "a.png").write_bytes((tmp_path / "0.png").read_bytes())
        (ring / "catalogue.csv").write_text("id_str,file_loc,ring\na,a.png,1\n")
        tried(ring, fit=folders / "others")
    with pytest.raises(InputError, match=r"ring lacks vote fractions of 'gz2'"):
        tried(fit=ring)
    with pytest.raises(
        InputError, match=r"60 images of .*others show galaxies .* also in .*others"
    ):
        tried(folders / "others", fit=folders / "others")
    with pytest.raises(InputError, match="holds vectors; expected images"):
        np.save(tmp_path / "v.npy", np.eye(3, dtype=np.float32))
        (tmp_path / "v_ids.txt").write_text("a\nb\nc\n")
        tried(tmp_path / "v.npy")


def saved_again(folder: Path, output: Path, named: str) -> Path:
    """The same galaxies in other bytes, their ids with a letter before."""
    table = pq.read_table(folder / "a.parquet")
    images = []
    for cell in table["image"].to_pylist():
        pixels = cv2.imdecode(np.frombuffer(cell["bytes"], np.uint8), cv2.IMREAD_COLOR)
        pixels[15:20, 15:20] ^= 1
        images.append({**cell, "bytes": cv2.imencode(".png", pixels)[1].tobytes()})
    ids = [f"{named}{name}" for name in table["id_str"].to_pylist()]
    output.mkdir()
    columns = {name: table[name] for name in table.column_names}
    pq.write_table(pa.table({**columns, "id_str": ids, "image": images}), output / "a.parquet")
    return output


def test_galaxies_saved_again_are_refused_by_their_ids_and_else_told_of(
    folders: Path, tmp_path: Path
) -> None:
    others = folders / "others"
    same = saved_again(others, tmp_path / "same", named="")
    with pytest.raises(InputError, match=r"60 images of .*same show galaxies .* also in"):
        scoring.score(others, coarse(), fit=same, controls=False, views=1)
    renamed = saved_again(others, tmp_path / "renamed", named="x")
    found = scoring.score(others, coarse(), fit=renamed, controls=False, views=1)
    assert found.notes[0].startswith("60 images of renamed look like ones that are scored")
    apart = scoring.score(folders / "seen", coarse(), fit=others, controls=False, views=1)
    assert not any("look like" in note for note in apart.notes)


def test_galaxies_without_votes_are_left_out_of_the_vote_error(folders: Path) -> None:
    found = scoring.score(folders / "others", coarse(), controls=False, views=1)
    assert found.n == 70
    assert {r.n for r in found.rows if r.section == "votes"} == {60}
    assert any(r.section == "first" and r.n == 70 for r in found.rows)
    assert any("Fewer than 5 galaxies" in note for note in found.notes)


def test_the_command_writes_prints_and_answers_in_json(folders, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(encoders, "load", lambda identifier: coarse(identifier))
    app = typer.Typer()
    app.command()(score_command)
    arguments = [str(folders / "seen"), "--no-controls", "--views", "1", "--encoder", "mine"]
    told = CliRunner().invoke(app, [*arguments, "-o", str(tmp_path / "out")])
    assert told.exit_code == 0, told.output
    assert (tmp_path / "out" / "scores.md").read_text() in told.output
    assert {p.name for p in (tmp_path / "out").iterdir()} == {
        "scores.json", "scores.md", "scores.png"
    }  # fmt: skip
    answer = CliRunner().invoke(app, [*arguments, "--json"])
    stored = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert json.loads(answer.stdout) == stored
    assert stored["encoder"] == "mine"
    failed = CliRunner().invoke(app, [*arguments[:-3], "7", "--json"])
    assert failed.exit_code == 1
    assert json.loads(failed.stdout)["error"] == "InputError"


@pytest.mark.parametrize("n", [1, 2, 3])
def test_what_few_galaxies_do_not_give_is_left_out_and_said(tmp_path: Path, n: int) -> None:
    seen = tmp_path / "seen"
    seen.mkdir()
    image = galaxy(np.random.default_rng(0), (1, 1, 1), 1)
    rows = ["id_str,file_loc,label"]
    for i in range(n):
        (seen / f"{i}.png").write_bytes(image)
        rows.append(f"{i},{i}.png,nan")
    (seen / "catalogue.csv").write_text("\n".join(rows) + "\n")
    found = scoring.score(seen, coarse(), controls=False)
    found.write(tmp_path / "out")
    text = (tmp_path / "out" / "scores.json").read_text()
    assert "NaN" not in text and "Infinity" not in text
    assert json.loads(text)["n"] == n
    assert any("dimensions of vectors by encoder" in note for note in found.notes)
    assert {r.section for r in found.rows} == {"first", "top5"}


def test_an_output_that_is_a_file_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    app = typer.Typer()
    app.command()(score_command)
    told = CliRunner().invoke(app, [str(tmp_path / "none"), "-o", str(tmp_path / "out")])
    assert told.exit_code == 1
    assert "out is a file; expected a folder" in told.stderr
