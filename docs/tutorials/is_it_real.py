# %% [markdown]
# # Is this class real?
#
# A group of similar images is a suggestion. Four things have to be asked of it: could chance have made it, does it come
# back, is it made by the instrument or the catalog, and what does it mean that other kinds were *not* found? We ask
# them of the run of the [first tutorial](first_run.md).

# %%
import skerry

run = skerry.open("demo/run")
run

# %% [markdown]
# ## Could chance have made it?
#
# Any large survey has groups by chance, and a search that looks everywhere finds the best of them. So the same search
# was run on data with the survey's own shape but without its small groups. Read the figure at one overdensity: of the
# groups found (black) that are as overdense or more, chance gives as many as a colored line is high.

# %%
run.figures.nulls()

# %% [markdown]
# *q* is that ratio, at its worst over all kinds of featureless data. Of classes with *q* below 0.05, at most 5% are
# expected to be chance. Beware: it says nothing of *why* a group is there.
#
# ## Does it come back, and is it apart?
#
# `checks` has every test with its value and the threshold that it was held against.

# %%
for rare in run.rare_classes[:3]:
    print(f"\n{rare.class_id}, {rare.verdict}")
    for check in rare.checks:
        word = "passed" if check.passed else "FAILED"
        print(f"  {word}  {check.name:14} {check.value:8.3g} against {check.threshold:.3g}")

# %% [markdown]
# Each check says in a sentence what it found, in the report and here. Of the last one above:

# %%
print(rare.checks[-1].sentence)

# %% [markdown]
# ## Is it made by the instrument, or by the catalog?
#
# An encoder sees a satellite's trail as clearly as a spiral arm, and a trail class is as real to the statistics as any
# other. `skerry examine` asks [ten questions](../examine.md); the two that unmask most classes are these:

# %%
# !skerry examine demo/run shredded artifacts

# %% [markdown]
# Each answer is kept in the run and stands in the report with its class. Look at the images with what you know now:

# %%
run = skerry.open("demo/run")
run[run.rare_classes[0].class_id]

# %% [markdown]
# A class of fragments or of diffraction spikes is not a failure of the search: it *is* a small group that looks unlike
# the rest. But it is a finding about the catalog. Confirmed and astrophysical are two different words, and only the
# first is one of skerry's verdicts.

# %%
for rare in run.rare_classes[:3]:
    print(f"{rare.class_id}, {rare.verdict}")
    for question, said in run[rare.class_id].answers.items():
        print(f"  {question}: {said[:78]}...")

# %% [markdown]
# Others of the ten: [compression](../examine/compression.md) (is it there before UMAP?),
# [label_independence](../examine/label_independence.md) (or only the volunteers' votes again?),
# [properties](../examine/properties.md) (mass, color, environment) and [crossmatch](../examine/crossmatch.md) (a known
# type?). The figure of each is `run.figures.answer("shredded")` and so on.

# %%
run.figures.answer("shredded")

# %% [markdown]
# ## What would have been found?
#
# "We found no rings" is a statement about rings only if rings *would* have been found. `skerry recover` plants a class
# of known size in the survey, searches again in the same way, and counts how often it is confirmed. Here, to be quick,
# shifted copies of representations, twice at one prevalence. For a paper: `--kind ring`, or `--images` with examples of
# what you look for, and 20 realizations or more.

# %%
# !skerry recover demo/run --copies --prevalences 0.015 --realizations 2 -o found

# %% [markdown]
# Read the warnings. Shifted copies make a round, tight group: an optimistic bound. If even such a group is not found at
# some prevalence, no real class is. The control row plants as many ordinary sources: nothing should be found there.
#
# ## What you may write
#
# - *A group of N sources stands apart in the representation (q = …, found again in … of repeated searches)*: yes, of a
#   confirmed class, with the encoder named.
# - *A class of galaxies*: after you have looked at the images and asked whether the instrument or the catalog made it.
# - *A new class of galaxies*: after a cross-match, and best with a spectrum.
# - *There are none of kind X above prevalence p*: with the sentence that `skerry recover` ends with.
