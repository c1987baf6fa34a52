"""Export a trained encoder into the package, and keep the logs of its training.

python encoders/export_default.py encoders/efficientnet_b0 WORK
"""

from __future__ import annotations

import argparse
import shutil
import tomllib
from pathlib import Path

import torch

from skerry.represent.data import Recipe
from skerry.represent.export import export_onnx
from skerry.represent.network import VoteNetwork
from skerry.represent.schema import GZ2_TRAINED
from skerry.types import Contract

FIELD = (
    "the central 256 px of a 424 px Galaxy Zoo 2 cutout, about 5.1 Petrosian R90 radii of the "
    "galaxy across"
)
CROPS = {
    424: 256 / 424,
    423: 0.5856,  # Galaxy Zoo 1: the median of overlap.csv, where both hold a galaxy
    256: 1.0,
    160: 1.0,
}
WEIGHTS = Path(__file__).parents[1] / "src" / "skerry" / "represent" / "weights"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", type=Path, help="folder with recipe-*.toml")
    parser.add_argument("work", type=Path, help="folder that train_default.py wrote")
    args = parser.parse_args()
    parts = sorted(path.stem for path in args.recipe.glob("recipe-*.toml"))
    for part in parts:
        shutil.copyfile(args.work / part / "log.jsonl", args.recipe / f"{part}.log.jsonl")
    recipe = Recipe(**tomllib.loads((args.recipe / f"{parts[-1]}.toml").read_text()))
    saved = torch.load(args.work / parts[-1] / "checkpoint.pt", weights_only=True)
    if saved["step"] != recipe.steps:
        raise SystemExit(f"the training stands at step {saved['step']} of {recipe.steps}")
    network = VoteNetwork(recipe.architecture, GZ2_TRAINED, dimensions=recipe.dimensions)
    network.load_state_dict(saved["average"])
    contract = Contract(recipe.size, CROPS, FIELD)
    path = WEIGHTS / f"{args.recipe.name}.onnx"
    exact, shipped = export_onnx(network, GZ2_TRAINED, contract, path)
    print(
        f"{path.name}: {path.stat().st_size / 1e6:.2f} MB; vectors differ from the network's by "
        f"{exact:.1e} before and {shipped:.1e} after halving the weights"
    )


if __name__ == "__main__":
    main()
