from __future__ import annotations

from pathlib import Path

import pytest

from skerry.errors import ConfigError
from skerry.represent.training.recipe import Recipe, doubts, read_recipe, recipe_from, tree_of
from skerry.represent.trees.schema import GZ2_TRAINED, ODD_QUESTIONS, get


def test_settings_go_over_the_file_and_the_file_over_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text("steps = 50\nbatch = 8\n[options]\nimg_size = 32\nwindow = 2\n")
    recipe = read_recipe(path, ["batch=16", "options.img_size=64", "architecture=test_vit"])
    assert (recipe.steps, recipe.batch, recipe.size) == (50, 16, Recipe().size)
    assert recipe.options == {"img_size": 64, "window": 2}
    assert recipe.architecture == "test_vit"
    assert isinstance(read_recipe(None, ["learning_rate=1"]).learning_rate, float)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("stepps=3", "did you mean 'steps'"),
        ("steps=many", "steps is 'many'; expected int"),
        ("steps=1.5", "steps is 1.5; expected int"),
        ("steps=true", "expected int"),
        ("steps=0", "steps is 0; expected more than 0"),
        ("stop_after=9000", "from 0 to steps"),
        ("held_out=1.0", "between 0 and 1"),
        ("bands=2", "1 or 3"),
        ("structure_dimensions=128", "below dimensions"),
        ("votes=guess", "one of auto"),
        ("options=3", "expected dict"),
        ("steps", "is no setting"),
        ("seed=-1", "seed is -1; expected from 0"),
        ("seed=9000000000000", "from 0 to 8796093022208"),
        ("size=128", r"at most stored_size x shown = 112"),
        ("shown=0.5", r"size is 96; expected at most stored_size x shown = 56"),
        ("shown=0.004", "1 px or more of stored_size"),
        ("learning_rate=inf", "expected a finite number"),
        ("options.pretrained=true", "them without pretrained"),
        ("options.checkpoint_path=a.pt", "them without checkpoint_path"),
        ("options.pretrained_cfg_overlay.file=a", "them without pretrained_cfg_overlay"),
    ],
)
def test_what_cannot_be_is_said(setting: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_recipe(None, [setting])


def test_all_that_is_shown_of_a_stored_image_may_be_taken() -> None:
    """100 x 0.29 is a hair below 29."""
    chosen = ["size=29", "first_size=29", "stored_size=100", "shown=0.29"]
    assert read_recipe(None, chosen).size == 29


def test_what_leaves_no_pixel_is_said() -> None:
    with pytest.raises(ConfigError, match="more for first_size = 1"):
        read_recipe(None, ["first_size=1", "stored_size=30"])


def test_every_field_survives_a_round_trip_by_name() -> None:
    recipe = Recipe(steps=7, options={"depths": [1, 2]}, patience=3)
    assert recipe_from(vars(recipe), "here") == recipe
    with pytest.raises(ConfigError, match=r"here: unknown setting 'stepsize'"):
        recipe_from({"stepsize": 3}, "here")


def test_the_default_tree_does_not_ask_what_scores_discovery() -> None:
    assert tree_of(Recipe()) == GZ2_TRAINED
    assert not {q.name for q in tree_of(Recipe()).questions} & set(ODD_QUESTIONS)
    assert tree_of(Recipe(schema="gz2")) == get("gz2")
    with pytest.raises(ConfigError, match="no decision tree"):
        tree_of(Recipe(schema="gz9"))


def test_a_misspelled_default_tree_is_not_taken_for_the_one_with_odd_features() -> None:
    with pytest.raises(ConfigError, match=r"mean 'gz2-trained'\? Known: .*gz2, .*gz2-trained"):
        tree_of(Recipe(schema="gz2-traned"))


@pytest.mark.parametrize(("steps", "warmup"), [(12, 500), (12, 12), (13, 12), (12, 0)])
def test_a_warm_up_without_an_end_is_doubted(steps: int, warmup: int) -> None:
    said = doubts(Recipe(steps=steps, warmup_steps=warmup))
    assert [f"warmup_steps = {warmup} of steps = {steps}" in s for s in said] == [True] * (
        warmup >= steps
    )


def test_the_recipes_of_the_shipped_encoders_are_read() -> None:
    paths = sorted((Path(__file__).parents[3] / "encoders").glob("*/recipe-*.toml"))
    assert paths
    for path in paths:
        read_recipe(path)
