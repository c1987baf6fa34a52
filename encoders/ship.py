"""Put a trained encoder into the package, and the logs of its trainings beside the recipes.

    python encoders/ship.py efficientnet_b0 WORK/recipe-1 WORK/recipe-2 … --data DATA

The last folder's average is what ships, equalized by the training galaxies in DATA as
``equalize.py`` does; the folders are those of ``recipe-1``, ``recipe-2`` and so on.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from equalize import chosen, equalize_file

from skerry.errors import RunError
from skerry.represent.export import export_onnx
from skerry.represent.training.checkpoint import read_trained
from skerry.types import Contract

HERE = Path(__file__).parent
WEIGHTS = HERE.parent / "src" / "skerry" / "represent" / "weights"
SIDES = {
    424: 256 / 424,
    423: 0.5856,  # Galaxy Zoo 1: the median of overlap.csv, where both hold a galaxy
    256: 1.0,
    160: 1.0,
}
"""Share of a cutout's width, by its side in pixels, that the training images show."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="folder of recipes, and name of the encoder")
    parser.add_argument("work", type=Path, nargs="+", help="folders of the trainings, in order")
    parser.add_argument(
        "--data", type=Path, required=True, help="folder of the training galaxies, to equalize by"
    )
    args = parser.parse_args()
    galaxies = chosen(args.data)
    made = read_trained(args.work[-1])
    if made.step != made.recipe.steps:
        raise RunError(f"the training stands at step {made.step} of {made.recipe.steps}")
    for number, folder in enumerate(args.work, 1):
        shutil.copyfile(folder / "log.jsonl", HERE / args.name / f"recipe-{number}.log.jsonl")
    shown = made.recipe.shown
    field = (
        f"the central {256 * shown:.0f} px of a 424 px Galaxy Zoo 2 cutout, about "
        f"{5.1 * shown:.1f} Petrosian R90 radii of the galaxy across"
    )
    contract = Contract(
        made.recipe.size,
        {side: share * shown for side, share in SIDES.items()},
        field,
        bands=("i", "r", "g"),
        stretch="lupton",
    )
    path = WEIGHTS / f"{args.name}.onnx"
    exact, shipped = export_onnx(made.network(), made.schema, contract, path)
    print(
        f"{path.name}: {path.stat().st_size / 1e6:.2f} MB; vectors differ from the network's by "
        f"{exact:.1e} before and {shipped:.1e} after halving the weights"
    )
    print(equalize_file(path, galaxies))


if __name__ == "__main__":
    main()
