"""Which part of the recipe helps: short trainings that leave one part out, from the same start.

    python encoders/ablation.py DATA/gz2_train START.pt DATA -w WORK [-o encoders/ablation.md]

Each variant is trained for the same few steps from the same checkpoint by the shipped recipe but
for one part. They are compared on what was looked at to choose the recipe, never on what scores
the release: neighbors of the mergers and spirals of ``gz1_survey``, artifacts of
``gz2_artefacts`` mixed into it, and the held-out vote error of the training set. Trainings that
are done are kept in WORK; the same call goes on where it stopped.
"""

from __future__ import annotations

import argparse
import csv
import json
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np

from skerry.progress import silent
from skerry.represent.dimensions import effective_dimensions
from skerry.represent.encoder import Encoder, load
from skerry.represent.export import export_onnx
from skerry.represent.score.bootstrap import mean_interval
from skerry.represent.score.images import read_images
from skerry.represent.score.retrieval import retrieve
from skerry.represent.training.begin import begin
from skerry.represent.training.checkpoint import read_trained
from skerry.represent.training.data import read_training_set
from skerry.represent.training.devices import fabric_for
from skerry.represent.training.ids import read_ids
from skerry.represent.training.readers import open_galaxies
from skerry.represent.training.recipe import Recipe, recipe_from, tree_of
from skerry.represent.training.train import train
from skerry.survey import open_survey
from skerry.types import Contract

HERE = Path(__file__).parent
VALUES = ("merger", "spiral", "artifact")
VARIANTS: dict[str, dict[str, object]] = {
    "all parts": {},
    "without structure": {"structure_dimensions": 0},
    "without contrast and redundancy": {"contrast_weight": 0.0, "redundancy_weight": 0.0},
    "without taught votes": {"taught_volunteers": 0.0},
    "without the tighter crop": {"shown": 1.0, "stored_size": 64},
}


def trained(recipe: Recipe, args: argparse.Namespace, folder: Path) -> Path:
    """Train one variant, or go on; returns its folder."""
    schema = tree_of(recipe)
    fabric = fabric_for(threads=args.threads)
    training = begin(recipe, schema, folder, args.start)
    galaxies = open_galaxies(args.train, schema)
    dropped = read_ids([HERE / "overlap.csv", args.train / "exclude_ids.txt"])
    data, _ = read_training_set(galaxies, recipe, schema, args.work / "cache", dropped=dropped)
    train(training, data, fabric=fabric)
    return folder


def encoder_of(folder: Path) -> Encoder:
    made = read_trained(folder)
    recipe, path = made.recipe, folder / "encoder.onnx"
    crops = {423: 0.5856 * recipe.shown, 424: 256 / 424 * recipe.shown}
    export_onnx(made.network(), made.schema, Contract(recipe.size, crops, "ablation"), path)
    return load(str(path))


def vectors_of(encoder: Encoder, folder: Path) -> np.ndarray:
    survey = open_survey(folder)
    pixels = read_images(survey, encoder, range(len(survey)), 1, silent).pixels
    step = encoder.batch
    parts = [encoder.encode(pixels[i : i + step])[0] for i in range(0, len(pixels), step)]
    return np.concatenate(parts).astype(float)


def scores(encoder: Encoder, data: Path) -> dict[str, object]:
    with (data / "gz1_survey" / "catalogue.csv").open(newline="") as file:
        label_of = {row["id_str"]: row["label"] for row in csv.DictReader(file)}
    ids = open_survey(data / "gz1_survey").sources["id_str"].to_pylist()
    labels = np.array([label_of[i] for i in ids])
    galaxies = vectors_of(encoder, data / "gz1_survey")
    artifacts = vectors_of(encoder, data / "gz2_artefacts")
    merger = retrieve(galaxies, labels == "merger").enrichment
    spiral = retrieve(galaxies, np.char.startswith(labels, "spiral")).enrichment
    everything = np.concatenate([galaxies, artifacts[:40]])
    among = retrieve(everything, np.arange(len(everything)) >= len(galaxies)).enrichment
    found: dict[str, object] = {"effective dimensions": effective_dimensions(galaxies)}
    for name, values in (("merger", merger), ("spiral", spiral), ("artifact", among)):
        found[name] = [float(values.mean()), *mean_interval(values, 0)]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("train", type=Path)
    parser.add_argument("start", type=Path)
    parser.add_argument("data", type=Path, help="folder of gz1_survey and gz2_artefacts")
    parser.add_argument("-w", "--work", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--threads", type=int, default=0)
    args = parser.parse_args()

    path = HERE / "efficientnet_b0" / "recipe-4.toml"
    base = recipe_from(tomllib.loads(path.read_text()), str(path))
    steps = args.steps
    base = replace(base, steps=steps, warmup_steps=steps // 10, checkpoint_every=steps)
    rows = []
    for name, changes in VARIANTS.items():
        folder = args.work / name.replace(" ", "-")
        known = folder / "scores.json"
        if not known.is_file():
            trained(replace(base, **changes), args, folder)  # type: ignore[arg-type]
            last = json.loads((folder / "log.jsonl").read_text().splitlines()[-1])
            found = scores(encoder_of(folder), args.data) | {"rmse": last["held_out_rmse"]}
            known.write_text(json.dumps(found))
        found = json.loads(known.read_text())
        cells = ["{:.2f} ({:.2f} to {:.2f})".format(*found[k]) for k in VALUES]
        rows.append(
            f"| {name} | {' | '.join(cells)} | {found['rmse']:.4f} | "
            f"{found['effective dimensions']:.1f} |"
        )
        print(rows[-1], flush=True)
    head = (
        f"{args.steps} steps each, from the same checkpoint. Enrichment at 20 neighbors with 95% "
        "intervals; RMSE of the share of each answer among those asked, held-out galaxies.\n\n"
        f"| recipe | {' | '.join(VALUES)} | vote RMSE | effective dimensions |\n"
        "|---|---|---|---|---|---|\n"
    )
    if args.output:
        title = "# What each part of the recipe gives\n\n`encoders/ablation.py`\n\n"
        args.output.write_text(title + head + "\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
