# %% [markdown]
# # A first run
#
# You have images of many galaxies and suspect that a few small groups of odd ones hide among them. You do not know what
# they look like, so there is nothing to train a classifier on. This page searches a small survey that skerry draws for
# the purpose: 1,500 galaxies under an SDSS-like sky, among them a few kinds that make up 1 to 2% each. It needs no
# download and no GPU.

# %%
# !skerry demo -o demo --n 1500

# %% [markdown]
# What happened, stage by stage:
#
# - every image became 128 numbers (**representations**), by an encoder that learned from Galaxy Zoo's volunteers;
# - their nearest neighbors make a graph, and small groups of it that are denser than their surroundings are
#   **candidates**;
# - the whole search was run again on **featureless data** made from this very survey (`nulls`), to see how good a group
#   chance makes, and on parts of the survey, to see which groups come back (`replication`);
# - each candidate got a **verdict**.
#
# The last lines say the result. Most galaxies are in no class. That is normal: most galaxies belong to no clear group.
#
# Kill a run at any moment and start it again: it goes on, and ends with the same bytes. Started now, it has nothing to
# do:

# %%
# !skerry status demo/run

# %% [markdown]
# ## Open it
#
# The report is one file, `demo/run/report.html`, that opens from disk and can be mailed. Here we open the run in Python:

# %%
import skerry

run = skerry.open("demo/run")
run

# %% [markdown]
# `confirmed` asks for three things: featureless data seldom gives such a group (*q* below 0.05), half of the repeated
# searches find it again, and every check passes. `tentative` means that chance does not explain it but a check failed.
# Rejected candidates stay in the tables, so that nothing is hidden, but may not be cited.
#
# Look at the first class. Its members run from the center outward; the line below an image marks the most typical ones.

# %%
first = run[run.rare_classes[0].class_id]
first

# %% [markdown]
# **Look before you believe.** The verdict says that these images sit together in the representation and stand apart from
# the others. Whether they are a kind of galaxy, the work of a satellite or one galaxy cut into several sources is for
# you to see. [Is this class real?](is_it_real.md) goes on from here.
#
# ## Tables
#
# `run.classes`, `run.members`, `run.checks` and `run.unclustered` are astropy Tables with units; the same as Parquet,
# FITS, VOTable and ECSV are in `demo/run/products`.

# %%
first.members["id_str", "ra", "dec", "probability", "exemplar"][:5]

# %% [markdown]
# With pandas, `run.frame` gives them as DataFrames. Why are most sources in no class?

# %%
run.frame("unclustered")["reason"].value_counts().to_frame()

# %% [markdown]
# ## Figures
#
# Every figure of the report is a function, with the same bytes. The map shows all sources; those that look alike to the
# encoder lie close together. Do not read more into it: distances between groups, their spread and the axes mean nothing,
# and no class is found or judged on the map.

# %%
run.figures.map()

# %% [markdown]
# `run.figures.map().save("map.png")` keeps it. Before you write about a class, cite what you used:
# `demo/run/products/CITATION.txt` lists it.

# %%
print(open("demo/run/products/CITATION.txt").read()[:700])
