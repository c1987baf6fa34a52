"""Inference and training speed beside Zoobot's own code, in one run.

    python benchmarks/beside_zoobot.py DATA/gz2_survey --zoobot ZOOBOT_VENV/bin/python \
        [-o benchmarks/beside_zoobot.md]

Zoobot lives in an environment of its own (``pip install zoobot lightning``); the same file runs
there as its side. Both sides read the same JPEG files and use EfficientNet-B0:

- inference: skerry's ``encode`` with its shipped encoder; Zoobot's
  ``predict_on_catalog.predict`` with its classifier on the same encoder and a transform that
  crops and resizes alike, at the same size and at the 224 px it is trained at, as many workers
  as there are cores;
- training: steps a second times batch, of ``skerry train`` on images it has decoded, with
  votes alone; and of a Lightning ``Trainer`` with a ``ZoobotTree`` and its ``CatalogDataModule``
  with Zoobot's default augmentations brought to the same size.

The sides take turns and the best of several rounds counts: machines are noisy.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

BATCH = 64
VOTES = {"smooth-or-featured-gz2": ("smooth", "featured-or-disk", "artifact")}


def skerry_inference(folder: Path, n: int, views: int = 1) -> float:
    from skerry.represent.encode import encode
    from skerry.represent.encoder import load
    from skerry.survey import open_survey

    survey, encoder = open_survey(folder), load()
    began = time.perf_counter()
    for _ in range(views):
        done = sum(len(part) for _, part in encode(survey, encoder, [range(n)]))
    return done / (time.perf_counter() - began)


def skerry_training(folder: Path, n: int, size: int) -> float:
    import numpy as np
    import torch

    from skerry.represent.training.begin import begin
    from skerry.represent.training.data import TrainingSet
    from skerry.represent.training.recipe import Recipe
    from skerry.represent.training.train import train
    from skerry.represent.trees.schema import Question, Schema
    from skerry.survey import open_survey, prepare
    from skerry.types import Contract

    survey = open_survey(folder)
    names = survey.sources["location"][:n].to_pylist()
    contract = Contract(size, {}, "whole")
    images = [
        prepare(raw, name, contract).pixels
        for raw, name in zip(survey.images(range(n)), names, strict=True)
    ]
    counts = np.random.default_rng(0).integers(1, 20, (n, 3)).astype(np.float32)
    data = TrainingSet(
        np.stack(images).transpose(0, 3, 1, 2).copy(),
        torch.from_numpy(counts),
        torch.zeros(n, 3, dtype=torch.bool),
        torch.zeros(n, 0),
        torch.ones(n),
    )
    schema = Schema("s", tuple(Question(q, a) for q, a in VOTES.items()))
    recipe = Recipe(
        size=size, stored_size=size, first_size=size, steps=n // BATCH, batch=BATCH,
        voted_share=1.0, held_out=0.05, checkpoint_every=n // BATCH, warmup_steps=1,
    )  # fmt: skip
    events: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as work:
        train(begin(recipe, schema, Path(work)), data, on_event=events.append)
    return float(events[-1]["images_per_second"])


def zoobot(folder: Path, n: int, size: int, share: float, task: str) -> float:
    """Zoobot's side, run by the interpreter that has it."""
    import csv
    import logging

    import lightning
    import numpy as np
    import pandas as pd
    import torch
    from galaxy_datasets.pytorch.galaxy_datamodule import CatalogDataModule
    from galaxy_datasets.transforms import default_view_config, get_galaxy_transform
    from torchvision.transforms import v2
    from zoobot.pytorch.estimators import define_model
    from zoobot.pytorch.predictions import predict_on_catalog
    from zoobot.pytorch.training.finetune import FinetuneableZoobotClassifier

    logging.disable(logging.WARNING)
    with (folder / "catalogue.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))[:n]
    columns = [f"{q}_{a}" for q, answers in VOTES.items() for a in answers]
    counts = np.random.default_rng(0).integers(1, 20, (n, len(columns)))
    catalog = pd.DataFrame(counts, columns=columns)
    catalog["id_str"] = [r["id_str"] for r in rows]
    catalog["file_loc"] = [str(folder / r["file_loc"]) for r in rows]
    model = define_model.ZoobotTree(
        output_dim=len(columns),
        question_answer_pairs={q: [f"_{a}" for a in answers] for q, answers in VOTES.items()},
        dependencies=dict.fromkeys(VOTES),
        architecture_name="efficientnet_b0",
    )
    workers = os.cpu_count() or 1
    quiet = {
        "accelerator": "gpu" if torch.cuda.is_available() else "cpu", "devices": 1,
        "logger": False, "enable_progress_bar": False, "enable_checkpointing": False,
        "enable_model_summary": False,
    }  # fmt: skip
    if task == "inference":
        edge = round(share * 424)
        view = v2.Compose(
            [
                v2.ToImage(),
                v2.CenterCrop(edge),
                v2.Resize((size, size), antialias=True),
                v2.ToDtype(torch.float32, scale=True),
            ]
        )
        finetuned = FinetuneableZoobotClassifier(encoder=model.encoder, num_classes=len(columns))
        with tempfile.TemporaryDirectory() as work:
            began = time.perf_counter()
            predict_on_catalog.predict(
                catalog, finetuned, str(Path(work) / "out.csv"), columns, view,
                datamodule_kwargs={"batch_size": BATCH, "num_workers": workers},
                trainer_kwargs=quiet,
            )  # fmt: skip
            return n / (time.perf_counter() - began)
    config = default_view_config()
    config.output_size = size
    data = CatalogDataModule(
        label_cols=columns, train_catalog=catalog, val_catalog=catalog[:BATCH],
        test_catalog=catalog[:BATCH], batch_size=BATCH, num_workers=workers,
        train_transform=get_galaxy_transform(config), test_transform=get_galaxy_transform(config),
    )  # fmt: skip
    trainer = lightning.Trainer(max_epochs=1, limit_val_batches=0, **quiet)
    began = time.perf_counter()
    trainer.fit(model, data)
    return (n // BATCH) * BATCH / (time.perf_counter() - began)


def side(args: argparse.Namespace, size: int, share: float, task: str) -> float:
    call = [
        args.zoobot, __file__, str(args.survey), "-n", str(args.n), "--side",
        json.dumps([size, share, task]),
    ]  # fmt: skip
    found = subprocess.run(call, capture_output=True, text=True)
    if found.returncode:
        raise SystemExit(f"Zoobot's side failed:\n{found.stderr[-2000:]}")
    return float(found.stdout.strip().splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("survey", type=Path)
    parser.add_argument("--zoobot", help="Python interpreter of an environment with zoobot")
    parser.add_argument("-n", type=int, default=512, help="how many images")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--side", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side:
        print(zoobot(args.survey, args.n, *json.loads(args.side)))
        sys.exit()
    if not args.zoobot:
        raise SystemExit("--zoobot: give the Python interpreter of an environment with zoobot")

    from skerry.represent.encoder import load

    contract = load().contract
    size, share = contract.size, contract.crops[424]
    ways = {
        f"inference, skerry, {size} px": lambda: skerry_inference(args.survey, args.n),
        f"inference, skerry, {size} px, 8 views": lambda: skerry_inference(args.survey, args.n, 8),
        f"inference, Zoobot, {size} px": lambda: side(args, size, share, "inference"),
        "inference, Zoobot, 224 px": lambda: side(args, 224, share, "inference"),
        f"training, skerry, {size} px": lambda: skerry_training(args.survey, args.n, size),
        f"training, Zoobot, {size} px": lambda: side(args, size, share, "training"),
        "training, skerry, 224 px": lambda: skerry_training(args.survey, args.n, 224),
        "training, Zoobot, 224 px": lambda: side(args, 224, share, "training"),
    }
    rates = dict.fromkeys(ways, 0.0)
    for _ in range(args.rounds):
        for name, work in ways.items():
            rates[name] = max(rates[name], work())
    lines = ["| way | images/s | skerry is faster by |", "|---|---|---|"]
    for name, rate in rates.items():
        task, pixels = name.split(",")[0], name.split(", ")[2]
        best = rates.get(f"{task}, skerry, {pixels}", rates[f"{task}, skerry, {size} px"])
        lines.append(f"| {name} | {rate:.1f} | {best / rate:.2f} |")
    head = (
        f"{args.n} images of `{args.survey.name}`, EfficientNet-B0, {os.cpu_count()} cores, best "
        f"of {args.rounds} rounds.\n\n"
    )
    text = head + "\n".join(lines) + "\n"
    print(text)
    if args.output:
        args.output.write_text("# Speed beside Zoobot\n\n`benchmarks/beside_zoobot.py`\n\n" + text)


if __name__ == "__main__":
    main()
