"""Train an encoder by its recipe, going on from its last checkpoint.

python encoders/train_default.py encoders/efficientnet_b0 TRAIN_FOLDER -o WORK
"""

from __future__ import annotations

import argparse
import csv
import tomllib
from pathlib import Path

import torch

from skerry.represent.data import Recipe, read_training_set
from skerry.represent.train import train


def dropped_ids(recipe_folder: Path, train_folder: Path) -> frozenset[str]:
    """Ids of training galaxies that a scored folder also holds."""
    with (recipe_folder.parent / "overlap.csv").open(newline="") as file:
        found = {row["id_str"] for row in csv.DictReader(file)}
    return frozenset(found | set((train_folder / "exclude_ids.txt").read_text().split()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", type=Path, help="folder with recipe-*.toml")
    parser.add_argument("train", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    dropped = dropped_ids(args.recipe, args.train)
    checkpoint = None
    for path in sorted(args.recipe.glob("recipe-*.toml")):
        recipe = Recipe(**tomllib.loads(path.read_text()))
        data = read_training_set(args.train, recipe, dropped)
        print(
            f"{path.stem}: {len(data)} galaxies, {data.voted.sum()} with votes, "
            f"{len(dropped)} dropped",
            flush=True,
        )
        checkpoint = train(
            data,
            recipe,
            args.output / path.stem,
            start_from=checkpoint,
            on_event=lambda event: print(event, flush=True),
        )


if __name__ == "__main__":
    main()
