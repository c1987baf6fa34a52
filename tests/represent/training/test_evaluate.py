from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from skerry.represent.network import network_of  # noqa: E402
from skerry.represent.training.evaluate import (  # noqa: E402
    evaluate,
    loss_of,
    plain_view,
    teach,
)
from tests.represent.training.tiny import RECIPE, SCHEMA, tiny_set  # noqa: E402


def test_a_representation_that_says_nothing_has_no_dimensions() -> None:
    network = network_of(RECIPE, SCHEMA)
    assert "effective_dimensions" in evaluate(network, tiny_set(12), np.arange(12), RECIPE, SCHEMA)
    network.bottleneck.weight.data.zero_()
    found = evaluate(network, tiny_set(12), np.arange(12), RECIPE, SCHEMA)
    assert "effective_dimensions" not in found


def test_only_what_there_is_to_score_is_scored() -> None:
    data = tiny_set(12)
    rows = np.arange(12)
    network = network_of(replace(RECIPE, structure_dimensions=3), SCHEMA)
    scores = {
        name: set(evaluate(network, given, rows, recipe, SCHEMA))
        for name, given, recipe in (
            ("all", tiny_set(12, 3), replace(RECIPE, structure_dimensions=3)),
            ("votes", data, RECIPE),
            ("nothing", replace(data, counts=data.counts * 0), replace(RECIPE, contrast_weight=1)),
        )
    }
    assert scores["all"] - scores["votes"] == {"held_out_structure"}
    assert scores["votes"] - scores["nothing"] == {"held_out_rmse"}


@pytest.mark.parametrize("scale", [0.1, 1.0, 30.0])
def test_the_error_of_votes_is_of_whom_was_asked_however_many_there_are(scale: float) -> None:
    data = tiny_set(12)
    network = network_of(RECIPE, SCHEMA)
    seldom = data.counts.clone()
    seldom[:, 2:] *= 0.3  # fewer than half are asked the second question
    found = [
        evaluate(network, replace(data, counts=counts), np.arange(12), RECIPE, SCHEMA)
        for counts in (data.counts, data.counts * scale, seldom * scale)
    ]
    rmse = [f["held_out_rmse"] for f in found]
    assert rmse[1] == pytest.approx(rmse[0])
    assert rmse[2] != pytest.approx(rmse[0], rel=1e-3)


def test_scores_do_not_depend_on_how_rows_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    data = tiny_set(20)
    network = network_of(RECIPE, SCHEMA)
    whole = evaluate(network, data, np.arange(20), RECIPE, SCHEMA)
    monkeypatch.setattr("skerry.represent.training.evaluate.CHUNK", 6)
    assert evaluate(network, data, np.arange(20), RECIPE, SCHEMA) == pytest.approx(whole, rel=1e-4)
    assert network.training


def test_the_unvoted_are_taught_what_the_teacher_expects_and_the_voted_keep_their_votes() -> None:
    recipe = replace(RECIPE, taught_volunteers=10.0)
    data = tiny_set(16)
    network = network_of(recipe, SCHEMA)
    rows = np.arange(12)
    taught = teach(network, data, rows, recipe, SCHEMA).counts
    assert torch.equal(taught[data.voted], data.counts[data.voted])
    assert torch.equal(taught[12:], data.counts[12:])  # not among the rows: held out
    unvoted = rows[~data.voted[rows]]
    torch.testing.assert_close(taught[unvoted][:, :2].sum(1), torch.full((6,), 10.0))
    shares = torch.zeros(6, 4)
    images = plain_view(data.take(unvoted).images, recipe)
    for turns in range(4):
        alpha = network(torch.rot90(images, turns, (2, 3)))[1].detach()
        shares += torch.cat([a / a.sum(1, keepdim=True) for a in alpha.split(2, 1)], 1) / 4
    torch.testing.assert_close(taught[unvoted], 10 * shares)


def test_a_galaxy_of_no_weight_teaches_no_votes() -> None:
    data = tiny_set(8)
    alpha = torch.full((8, 4), 3.0)
    weighted = replace(data, weight=torch.arange(8.0))
    rows = np.arange(8)
    whole = loss_of(SCHEMA, RECIPE, data.take(rows), torch.ones(8, 1), alpha)
    each = [
        loss_of(SCHEMA, RECIPE, data.take(rows[i : i + 1]), torch.ones(1, 1), alpha[:1])
        for i in range(8)
    ]
    labels = [
        loss_of(SCHEMA, replace(RECIPE, votes_weight=0.0), data.take(rows[i : i + 1]),
                torch.ones(1, 1), alpha[:1])
        for i in range(8)
    ]  # fmt: skip
    torch.testing.assert_close(whole, torch.stack(each).mean())
    found = loss_of(SCHEMA, RECIPE, weighted.take(rows), torch.ones(8, 1), alpha)
    expected = [w * (e - n) + n for w, (e, n) in enumerate(zip(each, labels, strict=True))]
    torch.testing.assert_close(found, torch.stack(expected).mean())
