from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import gammaln

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from skerry.errors import ConfigError  # noqa: E402
from skerry.represent.augment import augment  # noqa: E402
from skerry.represent.data import Recipe, TrainingSet, batch_rows, structure_targets  # noqa: E402
from skerry.represent.encoder import load  # noqa: E402
from skerry.represent.export import export_onnx  # noqa: E402
from skerry.represent.loss import (  # noqa: E402
    contrast,
    dirichlet_multinomial_nll,
    labels_nll,
    redundancy,
)
from skerry.represent.network import VoteNetwork  # noqa: E402
from skerry.represent.schema import Question, Schema  # noqa: E402
from skerry.represent.train import evaluate, network_of, plain_view, teach, train  # noqa: E402
from skerry.types import Contract  # noqa: E402

SCHEMA = Schema("s", (Question("bright", ("yes", "no")), Question("red", ("yes", "no"))))
RECIPE = Recipe(
    architecture="efficientnet_b0", dimensions=16, size=32, stored_size=32, first_size=32,
    steps=60, batch=16, warmup_steps=5, held_out=0.1, checkpoint_every=20, dropout=0.0,
    drop_path=0.0, average_decay=0.9, learning_rate=3e-3,
)  # fmt: skip


def tiny_set(n: int = 64, structure_dimensions: int = 0) -> TrainingSet:
    """Bright or faint disks, red or blue: half with votes, half with labels."""
    rng = np.random.default_rng(0)
    bright, red = rng.random(n) < 0.5, rng.random(n) < 0.5
    y, x = np.mgrid[-1:1:32j, -1:1:32j]
    disk = np.exp(-4 * (x**2 + y**2)) * np.where(bright, 200, 60)[:, None, None]
    color = np.where(red[:, None], [1.0, 0.5, 0.2], [0.2, 0.5, 1.0])
    images = (disk[:, None] * color[:, :, None, None]).astype(np.uint8)
    truth = np.stack([bright, ~bright, red, ~red], 1)
    voted = np.arange(n) % 2 == 0
    counts = np.where(voted[:, None], truth * 36 + ~truth * 4, 0).astype(np.float32)
    implied = truth & ~voted[:, None]
    pixels = torch.from_numpy(images)
    return TrainingSet(
        pixels,
        torch.from_numpy(counts),
        torch.from_numpy(implied),
        structure_targets(pixels, structure_dimensions),
    )


def test_likelihood_agrees_with_scipy() -> None:
    rng = np.random.default_rng(0)
    alpha, counts = rng.uniform(1, 100, (50, 4)), rng.integers(0, 40, (50, 4)).astype(float)
    a, n = alpha.sum(1), counts.sum(1)
    expected = -(gammaln(a) - gammaln(a + n) + (gammaln(alpha + counts) - gammaln(alpha)).sum(1))
    found = dirichlet_multinomial_nll(torch.tensor(alpha), torch.tensor(counts))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)


def test_a_question_never_asked_contributes_nothing() -> None:
    alpha = torch.full((2, 3), 2.0, requires_grad=True)
    loss = dirichlet_multinomial_nll(alpha, torch.zeros(2, 3))
    loss.sum().backward()
    assert (loss == 0).all()
    assert (alpha.grad == 0).all()


def test_a_label_is_the_log_of_its_expected_share() -> None:
    alpha = torch.tensor([[3.0, 1.0, 1.0, 1.0]])
    implied = torch.tensor([[True, False, False, False]])
    assert labels_nll(SCHEMA, alpha, implied).item() == pytest.approx(-np.log(0.75))
    assert labels_nll(SCHEMA, alpha, ~implied & False).item() == 0


def test_augmentation_is_seeded_and_keeps_the_light_in_place() -> None:
    images = tiny_set(8).images.float() / 255
    first = augment(images, 32, torch.Generator().manual_seed(1))
    again = augment(images, 32, torch.Generator().manual_seed(1))
    other = augment(images, 32, torch.Generator().manual_seed(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    total = first.sum((1, 2, 3)) / images.sum((1, 2, 3))
    assert ((total > 0.6) & (total < 1.6)).all()


def test_batches_are_a_function_of_the_step_and_show_everything() -> None:
    voted = np.arange(50) % 2 == 0
    rows = [batch_rows(voted, RECIPE, step) for step in range(12)]
    np.testing.assert_array_equal(rows[7], batch_rows(voted, RECIPE, 7))
    assert set(np.concatenate(rows).tolist()) == set(range(50))
    assert {voted[r].sum() for r in rows} == {round(16 * RECIPE.voted_share)}


def test_a_tiny_set_is_learned(tmp_path: Path) -> None:
    data = tiny_set()
    checkpoint = train(data, RECIPE, tmp_path, schema=SCHEMA)
    network = VoteNetwork(RECIPE.architecture, SCHEMA, dimensions=16)
    before = evaluate(network, data, RECIPE, SCHEMA)["held_out_rmse"]
    network.load_state_dict(torch.load(checkpoint, weights_only=True)["average"])
    assert evaluate(network, data, RECIPE, SCHEMA)["held_out_rmse"] < 0.6 * before
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [event["step"] for event in log] == [20, 40, 60]
    assert log[-1]["loss"] < log[0]["loss"]


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_a_stopped_training_goes_on_as_if_it_had_not(tmp_path: Path, weight: float) -> None:
    recipe = replace(
        RECIPE, steps=6, checkpoint_every=3, contrast_weight=weight, redundancy_weight=weight
    )
    data = tiny_set(32)
    whole = torch.load(train(data, recipe, tmp_path / "a", schema=SCHEMA), weights_only=True)

    def stop(event: dict[str, float]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(data, recipe, tmp_path / "b", schema=SCHEMA, on_event=stop)
    parts = torch.load(train(data, recipe, tmp_path / "b", schema=SCHEMA), weights_only=True)
    for name, value in whole["average"].items():
        torch.testing.assert_close(parts["average"][name], value, rtol=1e-5, atol=1e-6)


def test_a_training_can_begin_where_another_ended(tmp_path: Path) -> None:
    recipe = replace(RECIPE, steps=4)
    first = train(tiny_set(32), recipe, tmp_path / "a", schema=SCHEMA)
    still = replace(recipe, steps=1, learning_rate=0.0)
    second = train(tiny_set(32), still, tmp_path / "b", schema=SCHEMA, start_from=first)
    before, after = (torch.load(p, weights_only=True)["average"] for p in (first, second))
    torch.testing.assert_close(after["heads.weight"], before["heads.weight"])


def test_structure_is_learned_and_keeps_its_share_of_the_representation(tmp_path: Path) -> None:
    recipe = replace(RECIPE, structure_dimensions=6, structure_share=0.4, contrast_weight=0.5)
    data = tiny_set(structure_dimensions=6)
    train(data, recipe, tmp_path, schema=SCHEMA)
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert log[-1]["held_out_structure"] > max(0.8, log[0]["held_out_structure"])
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    network = network_of(recipe, SCHEMA).eval()
    network.load_state_dict(saved["average"])
    vectors = network(plain_view(data.images, recipe))[0]
    torch.testing.assert_close(vectors[:, :6].square().sum(1), torch.full((64,), 0.4))
    torch.testing.assert_close(vectors.square().sum(1), torch.ones(64))


def test_the_unvoted_are_taught_what_the_teacher_expects_and_the_voted_keep_their_votes() -> None:
    recipe = replace(RECIPE, taught_volunteers=10.0)
    data = tiny_set(16)
    network = network_of(recipe, SCHEMA)
    taught = teach(network, data, recipe, SCHEMA).counts
    assert torch.equal(taught[data.voted], data.counts[data.voted])
    unvoted = taught[~data.voted]
    torch.testing.assert_close(unvoted[:, :2].sum(1), torch.full((8,), 10.0))
    shares = torch.zeros(8, 4)
    images = plain_view(data.images[~data.voted], recipe)
    for turns in range(4):
        alpha = network(torch.rot90(images, turns, (2, 3)))[1].detach()
        shares += torch.cat([a / a.sum(1, keepdim=True) for a in alpha.split(2, 1)], 1) / 4
    torch.testing.assert_close(unvoted, 10 * shares)


def test_contrast_is_low_where_views_find_each_other() -> None:
    views = torch.nn.functional.normalize(torch.randn(16, 8), dim=1)
    assert contrast(views, views, 0.1) < 0.2 * contrast(views, views.roll(1, 0), 0.1)
    logits = torch.cat([views, views]) @ torch.cat([views, views]).T / 0.1
    rows = [
        torch.logsumexp(torch.cat([logits[i, :i], logits[i, i + 1 :]]), 0)
        - logits[i, (i + 16) % 32]
        for i in range(32)
    ]
    torch.testing.assert_close(contrast(views, views, 0.1), torch.stack(rows).mean())


def test_redundancy_is_low_where_dimensions_agree_and_differ() -> None:
    rng = torch.Generator().manual_seed(0)
    free = torch.randn(4000, 4, generator=rng)
    alike = free[:, :1].repeat(1, 4)
    assert redundancy(free, free) < 0.01
    assert redundancy(alike, alike) == pytest.approx(0.05 * 3, rel=1e-2)
    assert redundancy(free, free.roll(1, 0)) > 0.9


def test_a_folder_of_another_recipe_is_refused(tmp_path: Path) -> None:
    recipe = replace(RECIPE, steps=1)
    train(tiny_set(32), recipe, tmp_path, schema=SCHEMA)
    with pytest.raises(ConfigError, match="another recipe"):
        train(tiny_set(32), replace(recipe, seed=1), tmp_path, schema=SCHEMA)


def test_an_exported_encoder_gives_the_networks_vectors(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = VoteNetwork("efficientnet_b0", SCHEMA, dimensions=16).eval()
    contract = Contract(32, {64: 0.5}, "a disk")
    exact, shipped = export_onnx(network, SCHEMA, contract, tmp_path / "e.onnx")
    assert exact < 1e-4
    assert shipped < 1e-2
    encoder = load(str(tmp_path / "e.onnx"))
    assert encoder.contract == contract
    assert encoder.vote_columns == SCHEMA.columns
    images = tiny_set(8).images
    found = encoder.encode(images.permute(0, 2, 3, 1).numpy())[0]
    with torch.no_grad():
        expected = network(images.float() / 255)[0].numpy()
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(found, expected, atol=0.02 * np.abs(expected).max())
