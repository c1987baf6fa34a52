"""What the shipped encoder knows of galaxies it never saw, beside its controls.

    python encoders/score_default.py DATA/gz2_survey -o encoders/efficientnet_b0/scores.md

- votes: root mean squared error of the cumulative fractions of the 28 answers it predicts, beside
  the error of the survey's own mean;
- retrieval: how much more often than by chance a galaxy's 20 nearest neighbors are of its rare
  kind, with the 95% interval of a bootstrap over queries; kinds it was never trained on;
- effective dimensions: the participation ratio of the variances of its principal components;
- controls: the same network with its first random weights, and 64 principal components of the
  pixels.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from skerry.represent.encoder import Encoder, load
from skerry.represent.schema import GZ2_TRAINED
from skerry.survey import open_survey, prepare

Floats = npt.NDArray[np.float64]
KINDS = ("ring", "merger", "irregular", "disturbed")


def untrained(encoder: Encoder) -> Encoder:
    import torch

    from skerry.represent.export import export_onnx
    from skerry.represent.network import VoteNetwork

    torch.manual_seed(0)
    network = VoteNetwork("efficientnet_b0", GZ2_TRAINED, dimensions=encoder.dimensions)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "untrained.onnx"
        export_onnx(network, GZ2_TRAINED, encoder.contract, path)
        return load(str(path))


def encoded(encoder: Encoder, pixels: npt.NDArray[np.uint8]) -> tuple[Floats, Floats]:
    parts = [
        encoder.encode(pixels[i : i + encoder.batch]) for i in range(0, len(pixels), encoder.batch)
    ]
    vectors, votes = (np.concatenate(p).astype(float) for p in zip(*parts, strict=True))
    return vectors, votes


def cumulative(votes: Floats) -> Floats:
    """Expected shares times the chance that each question is asked."""
    out = votes.copy()
    for question, s in zip(GZ2_TRAINED.questions, GZ2_TRAINED.slices, strict=True):
        if question.asked_if is not None:
            out[:, s] *= out[:, [GZ2_TRAINED.index(*question.asked_if)]]
    return out


def enrichment(vectors: Floats, of_kind: npt.NDArray[np.bool_], k: int = 20) -> Floats:
    """For each galaxy of a kind, its neighbors' rate of that kind over the survey's."""
    distance = (vectors**2).sum(1)[:, None] + (vectors**2).sum(1) - 2 * vectors @ vectors.T
    np.fill_diagonal(distance, np.inf)
    nearest = np.argsort(distance[of_kind], axis=1)[:, :k]
    return of_kind[nearest].mean(1) / of_kind.mean()


def interval(values: Floats) -> tuple[float, float]:
    rng = np.random.default_rng(0)
    means = [rng.choice(values, len(values)).mean() for _ in range(2000)]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("survey", type=Path)
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    encoder, survey = load(), open_survey(args.survey)
    with (args.survey / "catalogue.csv").open(newline="") as file:
        rows = {row["id_str"]: row for row in csv.DictReader(file)}
    catalog = [rows[i] for i in survey.sources["id_str"].to_pylist()]
    names = survey.sources["location"].to_pylist()
    raw = survey.images(range(len(catalog)))
    pixels = np.stack(
        [prepare(r, n, encoder.contract).pixels for r, n in zip(raw, names, strict=True)]
    )

    vectors, votes = encoded(encoder, pixels)
    truth = np.array([[float(r[f"{c}_fraction"]) for c in GZ2_TRAINED.columns] for r in catalog])
    error = float(np.sqrt(((cumulative(votes) - truth) ** 2).mean()))
    blind = float(np.sqrt(((truth.mean(0) - truth) ** 2).mean()))
    flat = pixels.reshape(len(pixels), -1).astype(np.float64)
    flat -= flat.mean(0)
    u, s, _ = np.linalg.svd(flat, full_matrices=False)
    ways = {
        "shipped encoder": vectors,
        "untrained network": encoded(untrained(encoder), pixels)[0],
        "pixels, 64 components": u[:, :64] * s[:64],
    }
    lines = [
        f"`encoders/score_default.py` on {len(catalog)} galaxies of `{args.survey.name}`, none of "
        f"them in the training set. Encoder SHA-256 {encoder.sha256[:16]}….",
        "",
        f"Votes: RMSE of {truth.shape[1]} cumulative fractions {error:.4f} "
        f"(the survey's own mean: {blind:.4f}).",
        "",
        "Nearest-neighbor enrichment at 20 neighbors, with 95% bootstrap intervals:",
        "",
        "| way | effective dimensions | " + " | ".join(KINDS) + " |",
        "|---|---|" + "---|" * len(KINDS),
    ]
    kinds = []
    for row in catalog:
        odd = {k: float(row[f"odd-feature-gz2_{k}_fraction"]) for k in KINDS}
        total = sum(float(v) for c, v in row.items() if c.startswith("odd-feature-gz2_"))
        best = max(odd, key=lambda k: odd[k])
        is_odd = float(row["something-odd-gz2_yes_fraction"]) > 0.5 and odd[best] > 0.5 * total
        kinds.append(best if is_odd else "")
    for name, found in ways.items():
        variance = np.linalg.svd(found - found.mean(0), compute_uv=False) ** 2
        cells = []
        for kind in KINDS:
            values = enrichment(found, np.array([k == kind for k in kinds]))
            low, high = interval(values)
            cells.append(f"{values.mean():.2f} ({low:.2f}-{high:.2f})")
        effective = variance.sum() ** 2 / (variance**2).sum()
        lines.append(f"| {name} | {effective:.1f} | " + " | ".join(cells) + " |")
    counts = ", ".join(f"{k} {kinds.count(k)}" for k in KINDS)
    lines += ["", f"Galaxies of each kind: {counts}."]
    text = "\n".join(lines) + "\n"
    print(text)
    if args.output:
        args.output.write_text("# Scores of the shipped encoder\n\n" + text)


if __name__ == "__main__":
    main()
