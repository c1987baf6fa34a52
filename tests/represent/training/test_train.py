from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from skerry.errors import ConfigError, EncoderError, RunError  # noqa: E402
from skerry.represent.network import Average, network_of  # noqa: E402
from skerry.represent.training.augment import augment  # noqa: E402
from skerry.represent.training.begin import begin  # noqa: E402
from skerry.represent.training.checkpoint import read_trained  # noqa: E402
from skerry.represent.training.devices import fabric_for  # noqa: E402
from skerry.represent.training.evaluate import evaluate, plain_view  # noqa: E402
from skerry.represent.training.stopping import stopping  # noqa: E402
from skerry.represent.trees.schema import Question, Schema  # noqa: E402
from tests.represent.training.tiny import RECIPE, SCHEMA, saved, tiny_set, trained  # noqa: E402

EVERYTHING = replace(
    RECIPE, steps=6, checkpoint_every=4, first_size=12, noise=0.02, structure_dimensions=4,
    contrast_weight=0.5, redundancy_weight=0.5,
)  # fmt: skip


def log_of(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_augmentation_is_seeded_and_keeps_the_light_in_place() -> None:
    images = torch.from_numpy(tiny_set(8).images).float() / 255
    first = augment(images, 16, torch.Generator().manual_seed(1))
    again = augment(images, 16, torch.Generator().manual_seed(1))
    other = augment(images, 16, torch.Generator().manual_seed(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    total = first.sum((1, 2, 3)) / images.sum((1, 2, 3))
    assert ((total > 0.6) & (total < 1.6)).all()


def test_a_tiny_set_is_learned(tmp_path: Path) -> None:
    data = tiny_set()
    outcome = trained(data, RECIPE, tmp_path)
    rows = np.arange(len(data))
    before = evaluate(network_of(RECIPE, SCHEMA), data, rows, RECIPE, SCHEMA)["held_out_rmse"]
    network = read_trained(tmp_path).network()
    assert evaluate(network, data, rows, RECIPE, SCHEMA)["held_out_rmse"] < 0.6 * before
    log = log_of(tmp_path)
    assert [event["step"] for event in log] == [20, 40, 60]
    assert log[-1]["loss"] < log[0]["loss"]
    assert (outcome.step, outcome.reason, outcome.last) == (60, "finished", log[-1])
    assert trained(data, RECIPE, tmp_path).step == 60
    assert log_of(tmp_path) == log


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    trained(tiny_set(32, 4), EVERYTHING, folder)
    return folder


@settings(max_examples=4)
@given(stops=st.lists(st.integers(1, 5), min_size=1, max_size=2))
def test_a_training_stopped_after_any_step_goes_on_as_if_it_had_not(
    stops: list[int], whole: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("parts")
    data = tiny_set(32, 4)
    for after in sorted(stops):
        outcome = trained(data, EVERYTHING, folder, stop=lambda step, k=after: step >= k)
        assert (outcome.step, outcome.reason) == (after, "stopped")
    assert trained(data, EVERYTHING, folder).reason == "finished"
    ours, theirs = saved(folder), saved(whole)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    for event, expected in zip(log_of(folder), log_of(whole), strict=True):
        event["images_per_second"] = expected["images_per_second"]
        assert event == pytest.approx(expected)


def test_a_signal_ends_the_step_under_way_and_is_then_given_back(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    for name in (signal.SIGTERM, signal.SIGINT):
        recipe = replace(RECIPE, steps=4, checkpoint_every=2)
        with stopping() as stop:
            outcome = trained(
                tiny_set(32), recipe, tmp_path / str(name.value), stop=stop,
                on_event=lambda event, name=name: os.kill(os.getpid(), name),
            )  # fmt: skip
        # the event is told after step 2, so that step 3 is the one under way
        assert (outcome.step, outcome.reason) == (3, "stopped")
        assert read_trained(tmp_path / str(name.value)).step == 3
    assert before == (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT))


def test_a_second_signal_interrupts_at_once() -> None:
    # a shell may start its background jobs deaf to it
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt), stopping() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop(1)
        os.kill(os.getpid(), signal.SIGINT)
    signal.signal(signal.SIGINT, before)


def test_a_training_stops_after_a_step_or_a_time() -> None:
    with stopping(after=3) as stop:
        assert [stop(step) for step in (2, 3, 4)] == [False, True, True]
    with stopping(minutes=60) as stop:
        assert not stop(9)
    with stopping(minutes=1e-9) as stop:
        assert stop(1)


def test_a_training_ends_early_and_keeps_its_best(tmp_path: Path) -> None:
    recipe = replace(
        RECIPE, steps=30, checkpoint_every=2, patience=2, learning_rate=30.0, warmup_steps=0
    )
    data = tiny_set(32)
    outcome = trained(data, recipe, tmp_path)
    log = log_of(tmp_path)
    losses = [event["held_out_loss"] for event in log]
    assert outcome.reason == "no longer better"
    assert outcome.step == log[-1]["step"] < 30
    at = int(np.argmin(losses))
    assert at == len(losses) - 3  # the best, and two that were not better
    best = read_trained(tmp_path)
    assert best.step == log[at]["step"]
    learned = network_of(recipe, SCHEMA)
    learned.load_state_dict(saved(tmp_path, "best.pt"))
    order = np.random.default_rng(recipe.seed).permutation(32)
    found = evaluate(learned, data, np.sort(order[:3]), recipe, SCHEMA)["held_out_loss"]
    assert found == pytest.approx(losses[at], rel=1e-5)
    assert trained(data, recipe, tmp_path).step == outcome.step  # and it does not go on


def test_a_training_can_begin_where_another_ended(tmp_path: Path) -> None:
    recipe = replace(RECIPE, steps=2)
    trained(tiny_set(32), recipe, tmp_path / "a")
    still = replace(recipe, steps=1, learning_rate=0.0)
    trained(tiny_set(32), still, tmp_path / "b", start_from=tmp_path / "a")
    before, after = saved(tmp_path / "a"), saved(tmp_path / "b")
    torch.testing.assert_close(after["heads.weight"], before["heads.weight"])
    other = Schema("t", (Question("dark", ("yes", "no")), Question("red", ("yes", "no"))))
    with pytest.raises(ConfigError, match="another tree"):
        begin(recipe, other, tmp_path / "c", tmp_path / "a")
    with pytest.raises(EncoderError, match="another network"):
        begin(replace(recipe, dimensions=8), SCHEMA, tmp_path / "c", tmp_path / "a")


def test_what_was_taught_outlasts_the_teacher(tmp_path: Path) -> None:
    trained(tiny_set(32), replace(RECIPE, steps=2), tmp_path / "a")
    recipe = replace(RECIPE, steps=3, taught_volunteers=8.0)
    with pytest.raises(ConfigError, match="needs a teacher"):
        begin(recipe, SCHEMA, tmp_path / "b")
    how = {"start_from": tmp_path / "a"}
    trained(tiny_set(32), recipe, tmp_path / "b", stop=lambda step: True, **how)
    assert read_trained(tmp_path / "b").step == 0
    trained(tiny_set(32), recipe, tmp_path / "b")
    trained(tiny_set(32), recipe, tmp_path / "c", **how)
    trained(tiny_set(32), replace(recipe, taught_volunteers=0.0), tmp_path / "d", **how)
    weights = [saved(tmp_path / name)["heads.weight"] for name in "bcd"]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[1], weights[2])


def test_structure_is_learned_and_keeps_its_share_of_the_representation(tmp_path: Path) -> None:
    recipe = replace(RECIPE, structure_dimensions=6, structure_share=0.4, contrast_weight=0.5)
    data = tiny_set(structure_dimensions=6)
    trained(data, recipe, tmp_path)
    log = log_of(tmp_path)
    assert log[-1]["held_out_structure"] > max(0.8, log[0]["held_out_structure"])
    network = read_trained(tmp_path).network()
    vectors = network(plain_view(torch.from_numpy(data.images), recipe))[0]
    torch.testing.assert_close(vectors[:, :6].square().sum(1), torch.full((64,), 0.4))
    torch.testing.assert_close(vectors.square().sum(1), torch.ones(64))


def test_images_of_nobody_teach_by_their_views_alone(tmp_path: Path) -> None:
    data = tiny_set(32)
    blank = replace(data, counts=data.counts * 0, implied=data.implied & False)
    recipe = replace(RECIPE, steps=20, checkpoint_every=10, contrast_weight=1.0)
    trained(blank, recipe, tmp_path)
    log = log_of(tmp_path)
    assert log[-1]["loss"] < log[0]["loss"]
    assert "held_out_rmse" not in log[-1]


def test_one_band_is_learned_and_averages_the_planes_it_is_given(tmp_path: Path) -> None:
    recipe = replace(RECIPE, steps=2, bands=1)
    data = tiny_set(32)
    gray = replace(data, images=data.images.mean(1, keepdims=True).astype(np.uint8))
    trained(gray, recipe, tmp_path)
    network = read_trained(tmp_path).network()
    planes = torch.rand(2, 3, 16, 16)
    torch.testing.assert_close(network(planes)[0], network(planes.mean(1, keepdim=True))[0])


def test_a_folder_of_another_training_is_refused(tmp_path: Path) -> None:
    recipe = replace(RECIPE, steps=1)
    trained(tiny_set(32), recipe, tmp_path)
    with pytest.raises(ConfigError, match=r"another recipe \(seed 20231205, not 1\)"):
        begin(replace(recipe, seed=1), SCHEMA, tmp_path)
    with pytest.raises(ConfigError, match=r"another recipe \(another tree than t\)"):
        begin(recipe, Schema("t", SCHEMA.questions[:1]), tmp_path)
    # by another name the tree is the same one
    begin(replace(recipe, schema="./mine.toml"), SCHEMA, tmp_path)
    with pytest.raises(ConfigError, match="begun with 32 galaxies, there are 48"):
        trained(tiny_set(48), recipe, tmp_path)


def test_a_training_goes_on_with_the_weights_it_was_started_from(tmp_path: Path) -> None:
    recipe = replace(RECIPE, steps=2, stop_after=1)
    for number in (1, 2):
        trained(tiny_set(32), replace(recipe, seed=number, stop_after=0), tmp_path / str(number))
    trained(tiny_set(32), recipe, tmp_path / "on", start_from=tmp_path / "1")
    for again in (tmp_path / "1", None):
        begin(recipe, SCHEMA, tmp_path / "on", again)
    with pytest.raises(ConfigError, match="began with other weights than those of"):
        begin(recipe, SCHEMA, tmp_path / "on", tmp_path / "2")
    trained(tiny_set(32), recipe, tmp_path / "random")
    with pytest.raises(ConfigError, match="began with other weights"):
        begin(recipe, SCHEMA, tmp_path / "random", tmp_path / "1")


def test_what_cannot_be_built_is_met_at_the_beginning(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'efficientnet_b0'"):
        begin(replace(RECIPE, architecture="eficientnet_b0"), SCHEMA, tmp_path)
    with pytest.raises(ConfigError, match="change options"):
        begin(replace(RECIPE, options={"petals": 3}), SCHEMA, tmp_path)
    for options in ({"features_only": True}, {"global_pool": ""}, {"stem_size": -1}):
        with pytest.raises(ConfigError, match="change options"):
            begin(replace(RECIPE, options=options), SCHEMA, tmp_path)
    vit = replace(RECIPE, architecture="test_vit", options={"img_size": 16})
    begin(vit, SCHEMA, tmp_path)
    with pytest.raises(ConfigError, match="image of 8 px"):
        begin(replace(vit, first_size=8), SCHEMA, tmp_path)
    begin(replace(vit, first_size=8, first_share=0.0), SCHEMA, tmp_path)


def test_the_first_weights_are_those_of_the_seed_alone(tmp_path: Path) -> None:
    found = begin(RECIPE, SCHEMA, tmp_path)
    drawn = torch.rand(3)
    torch.manual_seed(RECIPE.seed)
    network = network_of(RECIPE, SCHEMA)
    assert torch.equal(torch.rand(3), drawn)
    expected = network.state_dict()
    assert all(torch.equal(v, expected[k]) for k, v in found.network.state_dict().items())
    assert found.network.training


def test_a_loss_that_is_no_number_ends_the_training_and_keeps_the_last(tmp_path: Path) -> None:
    recipe = replace(RECIPE, steps=4, checkpoint_every=2)
    data = tiny_set(32)
    trained(data, recipe, tmp_path, stop=lambda step: step >= 2)
    spoiled = replace(data, counts=data.counts * float("nan"))
    with pytest.raises(RunError, match="lower learning_rate"):
        trained(spoiled, recipe, tmp_path)
    # nor does a stop before the next evaluation save it
    with pytest.raises(RunError, match="keeps the last sound checkpoint"):
        trained(spoiled, recipe, tmp_path, stop=lambda step: step >= 3)
    assert read_trained(tmp_path).step == 2
    assert all(weights.isfinite().all() for weights in saved(tmp_path).values())


def test_weights_that_are_no_numbers_are_not_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update = Average.update

    def spoil(average: Average, network: torch.nn.Module, step: int) -> None:
        update(average, network, step)
        average.state["heads.bias"][0] = float("inf")

    monkeypatch.setattr(Average, "update", spoil)
    with pytest.raises(RunError, match="by step 1 the loss or a weight"):
        trained(tiny_set(32), RECIPE, tmp_path, stop=lambda step: step >= 1)
    assert read_trained(tmp_path).step == 0
    monkeypatch.undo()
    content = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    content["average"]["heads.bias"][0] = float("nan")
    torch.save(content, tmp_path / "bad.pt")
    with pytest.raises(EncoderError, match="weights that are no numbers"):
        begin(RECIPE, SCHEMA, tmp_path / "b", tmp_path / "bad.pt")


def test_a_training_goes_on_with_the_data_it_was_begun_with(tmp_path: Path) -> None:
    recipe = replace(RECIPE, steps=2)
    data = replace(tiny_set(32), digest="one")
    trained(data, recipe, tmp_path, stop=lambda step: step >= 1)
    with pytest.raises(ConfigError, match="begun with other data"):
        trained(replace(data, digest="two"), recipe, tmp_path)
    path = tmp_path / "checkpoint.pt"
    older = torch.load(path, weights_only=True)
    del older["data"]
    torch.save(older, path)
    assert trained(replace(data, digest="two"), recipe, tmp_path).step == 2


def test_a_checkpoint_with_a_damaged_standing_is_refused(tmp_path: Path) -> None:
    trained(tiny_set(32), replace(RECIPE, steps=1), tmp_path)
    path = tmp_path / "checkpoint.pt"
    whole = torch.load(path, weights_only=True)
    for key, value in (("standing", {"stride": 1}), ("standing", 3), ("optimizer", {})):
        torch.save(whole | {key: value}, path)
        with pytest.raises(EncoderError, match="cannot be gone on from"):
            trained(tiny_set(32), replace(RECIPE, steps=1), tmp_path)


def test_one_process_at_a_time_trains_in_a_folder(tmp_path: Path) -> None:
    recipe = replace(RECIPE, steps=2)
    early = begin(recipe, SCHEMA, tmp_path)
    (tmp_path / ".checkpoint.pt.0.part").touch()
    with early.alone():
        assert not list(tmp_path.glob(".*.part"))
        with pytest.raises(RunError, match="another process is at work"), early.alone():
            pass
        trained(tiny_set(32), recipe, tmp_path)
    with pytest.raises(RunError, match=r"trained in .* just now"), early.alone():
        pass
    with begin(recipe, SCHEMA, tmp_path).alone():
        pass


def test_what_a_teacher_gave_is_read_or_refused(tmp_path: Path) -> None:
    trained(tiny_set(32), replace(RECIPE, steps=1), tmp_path / "a")
    recipe = replace(RECIPE, steps=2, taught_volunteers=8.0)
    how = {"start_from": tmp_path / "a"}
    trained(tiny_set(32), recipe, tmp_path / "b", stop=lambda step: True, **how)
    (tmp_path / "b" / "taught.npy").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"taught\.npy.* cannot be read"):
        trained(tiny_set(32), recipe, tmp_path / "b")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="half precision needs a GPU")
def test_half_precision_trains_close_to_single(tmp_path: Path) -> None:
    recipe = replace(RECIPE, steps=4, dropout=0.0)
    for name, precision in (("a", "32"), ("b", "bf16-mixed")):
        fabric = fabric_for(precision=precision)
        trained(tiny_set(32), recipe, tmp_path / name, fabric=fabric)
    full, half = (log_of(tmp_path / name)[-1]["loss"] for name in "ab")
    assert full != half
    assert half == pytest.approx(full, rel=0.02)
    assert {v.dtype for v in saved(tmp_path / "b").values()} <= {torch.float32, torch.int64}


def test_heads_alone_are_not_learned_of_random_weights(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"random weights; name a training .* --start-from"):
        begin(replace(RECIPE, learns="heads"), SCHEMA, tmp_path / "a")


def test_a_batch_of_more_galaxies_than_there_are_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="batch = 30, and there are 29 galaxies to learn from"):
        trained(tiny_set(32), replace(RECIPE, batch=30), tmp_path / "a")
    trained(tiny_set(32), replace(RECIPE, batch=29, steps=1), tmp_path / "b")


def test_heads_alone_can_be_learned_and_the_representation_stays(tmp_path: Path) -> None:
    data = tiny_set()
    trained(data, replace(RECIPE, steps=4), tmp_path / "a")
    recipe = replace(RECIPE, steps=20, learns="heads", contrast_weight=0.0, redundancy_weight=0.0)
    trained(data, recipe, tmp_path / "b", start_from=tmp_path / "a")
    before, after = saved(tmp_path / "a"), saved(tmp_path / "b")
    for name, value in after.items():
        assert torch.equal(value, before[name]) != name.startswith("heads."), name
