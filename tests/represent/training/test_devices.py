from __future__ import annotations

import multiprocessing
import socket
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from skerry.errors import ConfigError  # noqa: E402
from skerry.represent.training.begin import begin  # noqa: E402
from skerry.represent.training.data import Batch, TrainingSet  # noqa: E402
from skerry.represent.training.devices import fabric_for  # noqa: E402
from skerry.represent.training.train import _of_all, train  # noqa: E402
from tests.represent.training.tiny import RECIPE, SCHEMA, saved, tiny_set, trained  # noqa: E402

SHARED = replace(RECIPE, steps=3, checkpoint_every=3, contrast_weight=1.0)


class Watched(TrainingSet):
    """Tells which galaxies were taken."""

    def take(self, rows: np.ndarray) -> Batch:
        shown.append(rows.tolist())
        return super().take(rows)


shown: list[list[int]] = []


def one_of_two(rank: int, port: int, folder: Path) -> None:
    """A process of two that train together, as a cluster's launcher starts it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cuda, "is_available", lambda: False)
        patch.setenv("MASTER_ADDR", "127.0.0.1")
        patch.setenv("MASTER_PORT", str(port))
        patch.setenv("LOCAL_RANK", str(rank))
        torch.set_num_threads(1)
        fabric = fabric_for(devices=2)
        fabric.launch()
        data = Watched(**vars(tiny_set(32)))
        # the second process alone is asked to stop, and both must
        outcome = trained(
            data, SHARED, folder, fabric=fabric, stop=lambda step: rank == 1 and step == 2
        )
        assert (outcome.step, outcome.reason) == (2, "stopped")
        torch.save(shown[:2], folder / f"shown-{rank}.pt")
        fabric.barrier()

        training = begin(SHARED, SCHEMA, folder)
        outcome = train(training, data, fabric=fabric)
        assert outcome.step == 3
        assert outcome.last["held_out_loss"] > 0
        torch.save(dict(training.network.named_parameters()), folder / f"ended-{rank}.pt")

        view = torch.full((2, 3), float(rank + 1), requires_grad=True)
        everyone = _of_all(view, fabric)
        assert everyone[:, 0].tolist() == [1, 1, 2, 2]
        (everyone.sum(1) * torch.tensor([1.0, 2.0, 3.0, 4.0])).sum().backward()
        # each computes the whole loss and gradients are averaged afterwards: theirs must add up
        assert view.grad[:, 0].tolist() == [[2, 4], [6, 8]][rank]


def test_two_processes_share_each_batch_and_end_as_one(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("fork")  # spares each the import of torch
    folder = tmp_path / "two"
    processes = [context.Process(target=one_of_two, args=(r, port, folder)) for r in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0]

    ended = [torch.load(folder / f"ended-{rank}.pt") for rank in range(2)]
    assert all(torch.equal(ended[0][name], ended[1][name]) for name in ended[0])
    shown.clear()
    trained(Watched(**vars(tiny_set(32))), replace(SHARED, steps=2), tmp_path / "alone")
    ours, theirs = (torch.load(folder / f"shown-{rank}.pt") for rank in range(2))
    for mine, other, both in zip(ours, theirs, shown[:2], strict=True):
        assert len(mine) == len(other) == 8
        assert sorted(mine + other) == sorted(both)
    assert all(torch.isfinite(v).all() for v in saved(folder).values())


def test_a_batch_that_cannot_be_shared_is_refused(tmp_path: Path) -> None:
    class Three:
        global_rank, world_size = 0, 3

    with pytest.raises(ConfigError, match="batch = 16 cannot be shared evenly among 3"):
        trained(tiny_set(32), RECIPE, tmp_path, fabric=Three())


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"precision": "8"}, "precision is '8'"),
        ({"precision": "16-mixed"}, "needs a GPU"),
        ({"precision": "bf16-mixed"}, "needs a GPU"),
        ({"devices": 0}, "expected 1 or more"),
        ({"devices": 65}, "65 devices asked for"),
    ],
)
def test_devices_that_cannot_be_are_said(
    how: dict[str, object], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu = "devices" in how
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4 * gpu)
    with pytest.raises(ConfigError, match=said):
        fabric_for(**how)  # type: ignore[arg-type]
