from __future__ import annotations

import numpy as np
import pytest
from scipy.special import gammaln
from scipy.stats import dirichlet_multinomial

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from skerry.represent.training.loss import (  # noqa: E402
    contrast,
    dirichlet_multinomial_nll,
    labels_nll,
    redundancy,
)
from skerry.represent.trees.schema import Question, Schema  # noqa: E402

SCHEMA = Schema("s", (Question("bright", ("yes", "no")), Question("red", ("yes", "no"))))


def test_the_likelihood_of_votes_is_scipys() -> None:
    rng = np.random.default_rng(0)
    alpha, counts = rng.uniform(1, 100, (50, 4)), rng.integers(0, 40, (50, 4))
    n = counts.sum(1)
    orders = gammaln(n + 1) - gammaln(counts + 1).sum(1)  # the term that needs no network
    expected = orders - dirichlet_multinomial(alpha, n).logpmf(counts)
    found = dirichlet_multinomial_nll(torch.tensor(alpha), torch.tensor(counts).double())
    assert found.dtype == torch.float64
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    single = dirichlet_multinomial_nll(torch.tensor(alpha).float(), torch.tensor(counts).float())
    assert single.dtype == torch.float32
    np.testing.assert_allclose(single, expected, rtol=1e-4, atol=1e-3)


def test_half_precision_is_computed_in_single() -> None:
    alpha = torch.tensor([[3.0, 50.0]], dtype=torch.bfloat16)
    found = dirichlet_multinomial_nll(alpha, torch.tensor([[5.0, 30.0]]))
    assert found.dtype == torch.float32
    assert torch.equal(found, dirichlet_multinomial_nll(alpha.float(), torch.tensor([[5.0, 30.0]])))


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


def test_contrast_is_low_where_views_find_each_other() -> None:
    generator = torch.Generator().manual_seed(0)
    views = torch.nn.functional.normalize(torch.randn(16, 8, generator=generator), dim=1)
    assert contrast(views, views, 0.1) < 0.2 * contrast(views, views.roll(1, 0), 0.1)
    logits = torch.cat([views, views]) @ torch.cat([views, views]).T / 0.1
    rows = [
        torch.logsumexp(torch.cat([logits[i, :i], logits[i, i + 1 :]]), 0)
        - logits[i, (i + 16) % 32]
        for i in range(32)
    ]
    torch.testing.assert_close(contrast(views, views, 0.1), torch.stack(rows).mean())


def test_redundancy_is_low_where_dimensions_agree_and_differ() -> None:
    generator = torch.Generator().manual_seed(0)
    free = torch.randn(4000, 4, generator=generator)
    alike = free[:, :1].repeat(1, 4)
    assert redundancy(free, free) < 0.01
    assert redundancy(alike, alike) == pytest.approx(0.05 * 3, rel=1e-2)
    assert redundancy(free, free.roll(1, 0)) > 0.9


@pytest.mark.parametrize("n", [2, 8, 64])
def test_views_that_are_the_same_cost_nothing_however_few(n: int) -> None:
    free = torch.randn(n, 4, generator=torch.Generator().manual_seed(0))
    assert redundancy(free, free, off_diagonal=0) == pytest.approx(0, abs=1e-9)
