from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry.errors import ConfigError
from skerry.represent.trees import schema
from skerry.represent.trees.schema import GZ2, GZ2_TRAINED, ODD_QUESTIONS, Question, Schema

SMOOTH = Question("smooth", ("yes", "no", "star"))
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@st.composite
def trees(draw: st.DrawFn) -> Schema:
    """Trees whose questions follow one or several answers of an earlier one, or nothing."""
    questions: list[Question] = []
    for i in range(draw(st.integers(1, 6))):
        answers = draw(st.lists(TEXT.filter(bool), min_size=2, max_size=4, unique=True))
        pairs: list[tuple[str, str]] = []
        if questions and draw(st.booleans()):
            asked = draw(st.sampled_from(questions))
            given_ = draw(st.lists(st.sampled_from(asked.answers), min_size=1, unique=True))
            pairs = [(asked.name, answer) for answer in given_]
        # the number comes after the text, so that no two columns are the same
        questions.append(Question(f"{draw(TEXT)}{i}", tuple(answers), tuple(pairs)))
    return Schema(draw(TEXT), tuple(questions), draw(TEXT), draw(TEXT))


def test_the_trees_of_eleven_surveys_ship() -> None:
    assert schema.names() == (
        "candels", "cosmic_dawn", "decals_dr12", "decals_dr5", "decals_dr8", "euclid", "gz2",
        "hubble", "jwst", "rings", "ukidss",
    )  # fmt: skip


@pytest.mark.parametrize("name", schema.names())
def test_a_shipped_tree_is_named_after_its_file_and_says_where_it_is_from(name: str) -> None:
    tree = schema.get(name)
    assert tree.name == name
    assert tree.survey
    assert tree.source
    suffixes = {question.name.rsplit("-", 1)[-1] for question in tree.questions}
    assert len(suffixes) == 1


@pytest.mark.parametrize(
    ("name", "questions", "answers", "column"),
    [
        ("decals_dr12", 10, 30, "merging-dr12_tidal-debris"),
        ("decals_dr5", 10, 34, "smooth-or-featured-dr5_smooth"),
        ("decals_dr8", 10, 34, "spiral-arm-count-dr8_more-than-4"),
        ("hubble", 13, 40, "clumps-embedded-larger-object-hubble_yes"),
        ("candels", 12, 38, "clump-count-candels_5-plus"),
        ("ukidss", 10, 30, "bulge-size-ukidss_just-noticeable"),
        ("cosmic_dawn", 13, 45, "artifact-cd_satellite"),
        ("jwst", 12, 39, "smooth-or-featured-jwst_star-artifact-zoom"),
        ("euclid", 13, 46, "artifact-euclid_ghost"),
        ("rings", 1, 2, "ring_yes"),
    ],
)
def test_shipped_trees_have_the_published_columns(
    name: str, questions: int, answers: int, column: str
) -> None:
    tree = schema.get(name)
    assert (len(tree.questions), len(tree.columns)) == (questions, answers)
    assert column in tree.columns


def test_the_columns_of_gz2_keep_the_order_that_encoders_were_trained_in() -> None:
    assert len(GZ2.columns) == 37
    assert [q.name.removesuffix("-gz2") for q in GZ2.questions] == [
        "smooth-or-featured", "disk-edge-on", "bar", "has-spiral-arms", "bulge-size",
        "something-odd", "how-rounded", "odd-feature", "bulge-shape", "spiral-winding",
        "spiral-arm-count",
    ]  # fmt: skip
    assert GZ2.columns[9:13] == tuple(
        f"bulge-size-gz2_{a}" for a in ("no", "just-noticeable", "obvious", "dominant")
    )


@pytest.mark.parametrize("name", schema.names())
def test_slices_cover_the_columns_once(name: str) -> None:
    tree = schema.get(name)
    covered = [i for s in tree.slices for i in range(s.start, s.stop)]
    assert covered == list(range(len(tree.columns)))


def test_the_odd_questions_are_not_trained() -> None:
    assert not any(c.startswith(ODD_QUESTIONS) for c in GZ2_TRAINED.columns)
    assert len(GZ2_TRAINED.columns) == 28


def test_an_unknown_answer_is_named() -> None:
    with pytest.raises(ConfigError, match="no answer 'bar-gz2_maybe'"):
        GZ2.index("bar-gz2", "maybe")


def test_cumulative_is_the_share_times_the_chance_along_the_tree() -> None:
    tree = Schema(
        "t",
        (
            SMOOTH,
            Question("spiral", ("yes", "no"), (("smooth", "no"),)),
            Question("arms", ("two", "many"), (("spiral", "yes"),)),
            Question("merger", ("yes", "no"), (("smooth", "yes"), ("smooth", "no"))),
        ),
    )
    shares = np.array([[0.5, 0.25, 0.25, 0.4, 0.6, 0.5, 0.5, 0.2, 0.8]])
    before = shares.copy()
    expected = [[0.5, 0.25, 0.25, 0.1, 0.15, 0.05, 0.05, 0.15, 0.6]]
    np.testing.assert_allclose(tree.cumulative(shares), expected)
    np.testing.assert_array_equal(shares, before)


@pytest.mark.train
def test_cumulative_is_the_same_for_tensors() -> None:
    torch = pytest.importorskip("torch")
    tree = schema.get("jwst")
    shares = np.random.default_rng(0).random((5, len(tree.columns)))
    found = tree.cumulative(torch.from_numpy(shares))
    np.testing.assert_array_equal(found.numpy(), tree.cumulative(shares))


@pytest.mark.parametrize("name", schema.names())
def test_cumulative_chances_of_real_trees_stay_chances(name: str) -> None:
    tree = schema.get(name)
    shares = np.random.default_rng(0).random((20, len(tree.columns)))
    for s in tree.slices:
        shares[:, s] /= shares[:, s].sum(1, keepdims=True)
    cumulative = tree.cumulative(shares)
    assert all(cumulative[:, s].sum(1).max() <= 1 + 1e-12 for s in tree.slices)


def test_a_question_whose_parent_is_left_out_is_always_asked() -> None:
    tree = GZ2.without(["disk-edge-on-gz2"])
    by_name = {q.name: q for q in tree.questions}
    assert by_name["bar-gz2"].asked_if == ()
    assert by_name["spiral-winding-gz2"].asked_if == (("has-spiral-arms-gz2", "yes"),)
    assert tree.source == GZ2.source


@given(trees())
def test_a_tree_is_read_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, tree: Schema
) -> None:
    path = tmp_path_factory.mktemp("trees") / "tree.toml"
    path.write_text(schema.to_toml(tree), encoding="utf-8", newline="")
    assert schema.get(str(path)) == tree


@pytest.mark.parametrize("name", schema.names())
def test_shipped_files_are_what_would_be_written(name: str) -> None:
    file = resources.files("skerry.represent.trees") / "schemas" / f"{name}.toml"
    text = file.read_text(encoding="utf-8")
    written = schema.to_toml(schema.get(name))
    assert text.split("\n", 1)[0].startswith("#")
    assert text.endswith("\n" + written)
    assert tomllib.loads(text) == tomllib.loads(written)


@pytest.mark.parametrize(
    ("questions", "said"),
    [
        ((), "no questions"),
        ((SMOOTH, SMOOTH), "'smooth' comes twice"),
        ((Question("a_b", ("c", "d")), Question("a", ("b_c", "d"))), "column 'a_b_c' comes twice"),
        ((Question("a", ("b", "b")),), "column 'a_b' comes twice"),
        ((Question("a", ("b",)),), "1 answer"),
        ((Question("", ("a", "b")),), "empty name"),
        ((Question("a", ("", "b")),), "empty name"),
        (
            (SMOOTH, Question("bar", ("yes", "no"), (("smoth", "no"),))),
            "'smoth', which is no question; did you mean 'smooth'",
        ),
        (
            (SMOOTH, Question("bar", ("yes", "no"), (("smooth", "noo"),))),
            "no such answer; did you mean 'no'",
        ),
        ((SMOOTH, Question("bar", ("y", "n"), (("smooth", "no"),) * 2)), "same answer twice"),
        ((SMOOTH, Question("bar", ("y", "n"), ("smooth", "no"))), "expected .* pairs"),
        ((Question("bar", ("y", "n"), (("smooth", "no"),)), SMOOTH), "move it after 'smooth'"),
        ((Question("bar", ("y", "n"), (("bar", "y"),)),), "cycle"),
        (
            (
                Question("a", ("y", "n"), (("c", "y"),)),
                Question("b", ("y", "n"), (("a", "y"),)),
                Question("c", ("y", "n"), (("b", "y"),)),
            ),
            "'a' is asked after 'c', .* only after 'a'; break the cycle",
        ),
        (
            (
                SMOOTH,
                Question("bar", ("y", "n"), (("smooth", "no"),)),
                Question("arms", ("y", "n"), (("smooth", "no"),)),
                Question("odd", ("y", "n"), (("bar", "y"), ("arms", "y"))),
            ),
            "both 'bar_y' and 'arms_y', which one volunteer may give both",
        ),
    ],
)
def test_questions_that_make_no_tree_are_refused(
    questions: tuple[Question, ...], said: str
) -> None:
    with pytest.raises(ConfigError, match=f"decision tree 'mine': .*{said}"):
        Schema("mine", questions)


def test_a_question_may_follow_answers_of_branches_that_exclude_each_other() -> None:
    disk = Question("disk", ("edge", "face"), (("smooth", "no"),))
    round_ = Question("round", ("y", "n"), (("smooth", "yes"),))
    odd = Question("odd", ("y", "n"), (("disk", "edge"), ("disk", "face"), ("round", "y")))
    tree = Schema("t", (SMOOTH, disk, round_, odd))
    shares = np.array([[0.5, 0.5, 0.0, 0.2, 0.8, 0.4, 0.6, 1.0, 0.0]])
    assert tree.cumulative(shares)[0, tree.index("odd", "y")] == pytest.approx(0.7)


def question(**changes: str) -> str:
    lines = {"name": '"q"', "answers": '["yes", "no"]'} | changes
    return "\n".join(["[[questions]]", *(f"{k} = {v}" for k, v in lines.items())])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = ", "is not TOML"),
        ('surveys = "x"\n' + question(), "unknown key 'surveys'; did you mean 'survey'"),
        (question(), "the tree has no 'name'"),
        ('name = "t"', "the tree has no 'questions'"),
        ("name = 3\n" + question(), "name is 3; expected a string"),
        ('name = "t"\nquestions = ["q"]', "questions is no list of tables"),
        ('name = "t"\n' + question(asked='"q"'), "question 'q' has an unknown key 'asked'"),
        ('name = "t"\n' + question(answers='"yes"'), "answers is 'yes'; expected a list"),
        ('name = "t"\n' + question(answers='["yes", 1]'), "item 2 is 1; expected a string"),
        ('name = "t"\n' + question(asked_if='"q"'), "asked_if is 'q'"),
        ('name = "t"\n' + question(asked_if='["p", "a"]'), "pair of asked_if is 'p'"),
        ('name = "t"\n' + question(asked_if='[["p"]]'), r"asked_if has \('p',\)"),
        ('name = "t"\n[[questions]]\nanswers = ["a", "b"]', "question 'number 1' has no 'name'"),
        ('name = "t"\n' + question(asked_if='[["p", "a"]]'), "decision tree 't': .*no question"),
    ],
)
def test_a_file_that_is_no_tree_is_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=rf"mine\.toml.*{said}"):
        schema.get(str(path))


def test_an_unknown_tree_is_told_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no decision tree 'decals5'; did you mean 'decals_dr5'"):
        schema.get("decals5")
    with pytest.raises(ConfigError, match=r"none\.toml"):
        schema.get(str(tmp_path / "none.toml"))


DOCS = (Path(__file__).parents[3] / "docs" / "schemas.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", schema.names())
def test_the_docs_have_each_tree(name: str) -> None:
    tree = schema.get(name)
    row = next(line for line in DOCS.splitlines() if line.startswith(f"| `{name}` |"))
    assert f"| {len(tree.questions)} | {len(tree.columns)} |" in row
    assert row.endswith(f"| {tree.source} |")


def test_the_tree_in_the_docs_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "my_survey.toml"
    path.write_text(DOCS.split("```toml\n")[1].split("```")[0], encoding="utf-8")
    assert schema.get(str(path)).columns[-1] == "merging_no"
