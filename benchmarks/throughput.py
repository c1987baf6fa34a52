"""Images per second end to end: skerry, the network alone, and the stack a user would write.

    python benchmarks/throughput.py DATA/gz2_survey [-o benchmarks/throughput.md]

Every way reads the same JPEG files from disk, takes the same central part, brings it to the same
size and encodes it with the same architecture, each in its default threading:

- skerry: ``skerry.represent.encode`` as ``skerry run`` calls it;
- the network alone: ONNX Runtime on images that are already arrays, the limit of any such stack;
- and the same without what the encoder's file measures in the image behind its network;
- Pillow, torch eager, timm: a Dataset with torchvision's usual transforms, a DataLoader with its
  defaults, batches of 64, no gradients.

All in one process, interleaved, the best of several rounds, because the machine is noisy.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from skerry.config import SourcesConfig
from skerry.executors.local import map_ordered
from skerry.represent.encode import encode
from skerry.represent.encoder import file_of, from_bytes, load
from skerry.represent.equalize import unequalized
from skerry.represent.measured import without_measures
from skerry.survey import open_survey, prepare


def measured(work: Callable[[], int]) -> float:
    """Images per second of one call."""
    began = time.perf_counter()
    return work() / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("survey", type=Path)
    parser.add_argument("-n", type=int, default=1024, help="how many images")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()

    import timm
    import torch
    from PIL import Image
    from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
    from torchvision import transforms

    survey = open_survey(args.survey, SourcesConfig())
    n = min(args.n, len(survey.sources))
    encoder = load()
    size = encoder.contract.size
    paths = [args.survey / p for p in survey.sources["location"][:n].to_pylist()]

    def skerry() -> int:
        return sum(len(part) for _, part in encode(survey, encoder, [range(n)]))

    read = zip(survey.images(range(n)), survey.sources["location"][:n].to_pylist(), strict=True)
    arrays = np.stack([prepare(raw, name, encoder.contract).pixels for raw, name in read])
    batches = [arrays[i : i + encoder.batch] for i in range(0, n, encoder.batch)]

    def network() -> int:
        return sum(len(v) for v, _ in map_ordered(encoder.encode, batches))

    plain = from_bytes(without_measures(unequalized(file_of(encoder.name).read_bytes())), "plain")

    def unmeasured() -> int:
        return sum(len(v) for v, _ in map_ordered(plain.encode, batches))

    model = timm.create_model("efficientnet_b0", num_classes=encoder.dimensions).eval()

    edge = round(encoder.contract.crops[424] * 424)
    transform = transforms.Compose(
        [
            transforms.CenterCrop(edge),
            transforms.Resize(size),
            transforms.ToTensor(),
            transforms.Normalize(IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD),
        ]
    )

    class Cutouts(torch.utils.data.Dataset):  # type: ignore[type-arg, misc]
        def __len__(self) -> int:
            return n

        def __getitem__(self, row: int) -> torch.Tensor:
            return transform(Image.open(paths[row]).convert("RGB"))

    def usual() -> int:
        loader = torch.utils.data.DataLoader(Cutouts(), batch_size=64)
        with torch.no_grad():
            return sum(len(model(batch)) for batch in loader)

    ways = {
        "skerry": skerry,
        "network alone": network,
        "network alone, without measures": unmeasured,
        "Pillow, torch eager, timm": usual,
    }
    rates = dict.fromkeys(ways, 0.0)
    for _ in range(args.rounds):
        for name, work in ways.items():
            rates[name] = max(rates[name], measured(work))

    lines = [
        f"{n} images of `{args.survey.name}`, {size} px, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, best of {args.rounds} interleaved rounds.",
        "",
        "| way | images/s | skerry is faster by | share of the network alone |",
        "|---|---|---|---|",
    ]
    for name, rate in rates.items():
        ratio, share = rates["skerry"] / rate, rate / rates["network alone"]
        lines.append(f"| {name} | {rate:.0f} | {ratio:.2f} | {share:.2f} |")
    text = "\n".join(lines) + "\n"
    print(text)
    if args.output:
        args.output.write_text("# Throughput\n\n`benchmarks/throughput.py`\n\n" + text)


if __name__ == "__main__":
    main()
