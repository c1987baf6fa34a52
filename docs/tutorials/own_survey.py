# %% [markdown]
# # Your own survey
#
# `skerry run` takes a folder of JPEG, PNG or FITS images; a catalog that names them (CSV, ECSV, FITS, VOTable, Parquet);
# Parquet with images inside; or representations that you already have. A catalog is best: positions, and any column
# that you may later want to compare classes by, come along.
#
# So that this page runs anywhere, we draw 400 galaxies as a survey with the Dark Energy Camera would deliver them: FITS
# cutouts in three bands and a catalog. Of *your* survey you would skip this step.

# %%
# !skerry simulate -o survey --sky decals --n 400 --seed 5 \
# !    -s kinds.shredded=0.06 -s kinds.diffraction-spike=0.05

# %%
from astropy.table import Table

catalog = Table.read("survey/catalogue.csv")
catalog["id_str", "file_loc", "ra", "dec", "pixel_scale", "mag_r"][:4]

# %% [markdown]
# skerry finds the columns by their usual names: an id, `ra`, `dec`, and where the image is. Where yours are called
# otherwise, say so: `-s sources.id_column=objid -s sources.image_column=path`. What it chose is in the run's log.
#
# ## Say what the images are
#
# The encoder learned from images of a certain field of view, in certain bands, with a certain stretch. A search on
# images that are otherwise is not forbidden, but you should know. Tell skerry what yours are, and it holds them against
# the encoder before any work starts:

# %%
# !skerry run survey/catalogue.csv -o run-a -s sources.bands=z,r,g 2>&1 \
# !    | tail -1 | fold -s -w 88

# %% [markdown]
# It stopped: the encoder learned from *i, r, g*, shown as red, green and blue. *z, r, g* will do for shapes, colors will
# look a little other than what it knows. That is a decision, so it is yours to make, and it is kept in the run's
# settings and named in its report: `representations.accept=bands`.
#
# ## Mind the crop
#
# The shipped encoders expect the galaxy to fill the frame as in Galaxy Zoo: about 4 Petrosian radii across. Cutouts of
# one angular size show small galaxies small and large ones cut off. `representations.crop` is the share of the width
# that is kept. Too wide, and the encoder sees mostly sky and neighbors; too narrow, and arms and tails are outside.
#
# Look at what the encoder will see, before you search a million:

# %%
import numpy as np
from astropy.io import fits

with fits.open(f"survey/{catalog['file_loc'][0]}") as file:
    side = file[0].data.shape[-1]
    scale = float(catalog["pixel_scale"][0])
radii = 0.75 * side * scale / np.array(catalog["r90"])
print(f"{side} px of {scale} arcsec; with crop = 0.75 half of the galaxies are shown")
print("{:.1f} to {:.1f} R90 wide, the others less or more".format(*np.percentile(radii, [25, 75])))

# %% [markdown]
# ## Search
#
# Suppose that last month's data had the first 300 sources. (Fewer repeated searches than the default ten keep this page
# quick. Do not save on `nulls.n`: with n searches of featureless data no *q* can be much below 1 / n.)

# %%
# !head -301 survey/catalogue.csv > survey/month1.csv
# !skerry run survey/month1.csv -o run-a \
# !    -s sources.bands=z,r,g -s representations.accept=bands \
# !    -s representations.crop=0.75 -s replication.subsamples=4

# %% [markdown]
# A survey of 300 is small: at 1% a class has three members, and no search can tell three from chance. Do not be
# disappointed by "no confirmed classes"; it is the honest answer, and [recover](../recover.md) tells which classes would
# have been found.
#
# ## Change a setting, go on after a stop
#
# All settings of the run are in `run-a/config.toml`. Changing one makes again only what depends on it: here nothing is
# encoded or searched again, only the classes' exemplars and the products are new ("as it was" marks the rest). The same
# holds after a crash or a full disk: start the same command again.

# %%
# !skerry run survey/month1.csv -c run-a/config.toml -o run-a -s classes.exemplars=6

# %% [markdown]
# ## Next month
#
# The catalog has grown to 400. With `--previous` a class that overlaps one of the earlier run by a half keeps its name,
# and splits and merges are recorded, so that notes and follow-up stay attached to the right class.

# %%
# !skerry run survey/catalogue.csv -c run-a/config.toml -o run-b --previous run-a

# %%
import skerry

run = skerry.open("run-b")
for rare in run.rare_classes:
    print(f"{rare.class_id}  {rare.verdict:10}  {rare.size:3} members  {rare.history}")

# %% [markdown]
# Compare the verdicts of the two months: the same group, with more members and in a larger sea, is easier to tell from
# chance. A name is no verdict; both may change from month to month, and each run says what it knew.

# %%
run[run.rare_classes[0].class_id]

# %% [markdown]
# ## What could not be read
#
# Damaged, empty or wrongly named images never end a run silently: each is a row of `failures.parquet`, with its reason.
# Above 20% (`sources.max_failed`) the run stops, for then something else is wrong.

# %%
print(len(run.failures), "sources could not be read")
