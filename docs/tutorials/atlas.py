# %% [markdown]
# # Reading the atlas
#
# The atlas is the map of a run to look around in: zoom, point at a source to see its image, select some, name and
# dismiss classes. `skerry serve RUN` opens it in your browser, on your own machine; `skerry atlas` writes it as a folder
# that opens without a server, to give to a colleague. We write one of the run of the [first tutorial](first_run.md):

# %%
# !skerry atlas demo/run -o atlas

# %% [markdown]
# Here it is, live. Zoom with the wheel, drag to move, click a source.
#
# <iframe class="atlas" src="atlas/index.html" title="Atlas of the demo run" loading="lazy"></iframe>
#
# <a href="atlas/index.html">Open it in a page of its own</a>
#
# ## What the map shows, and what it does not
#
# Each point is a source. UMAP laid them out so that each source keeps its nearest neighbors near; everything larger than
# that is decoration. In particular:
#
# - **Islands are not classes.** UMAP tears continuous data into islands. A class is found in the 128-dimensional
#   neighbor graph, not here, and some islands are in no class.
# - **Classes need not be islands.** A confirmed class may sit in the middle of the sea of points.
# - **Distances between groups, sizes and densities mean nothing.** Turn the map, run UMAP with another seed, and they
#   are others.
#
# So use the map as an index to images, not as evidence. How far apart a class is in the representation itself is its
# isolation, and how dense beside its surroundings its overdensity:

# %%
import skerry

run = skerry.open("demo/run")
columns = ["class_id", "verdict", "size", "overdensity", "isolation", "replication"]
run.frame("classes")[columns].head(6).round(2)

# %% [markdown]
# ## A way through it
#
# 1. **Start at a class.** Pick one from the list and look at its members, then at the sources just outside. If these
#    look the same, the class is drawn too small: `skerry grow` ranks what it may lack.
# 2. **Look at its edge.** Members with a low probability did not come back in all repeated searches. Where they stop
#    looking like the class, so does the class.
# 3. **Color by a catalog column.** Color the map by seeing, depth, magnitude or redshift. A class that is all of one
#    color there may be made by what you colored by.
# 4. **Wander in the sea.** Groups that you see and the search did not name are of interest, too: ask for what is most
#    like one source.

# %%
source = run.members["id_str"][0]
alike = run.similar(source, limit=6)
alike.round(3)
alike["rank", "id_str", "distance", "class_id"]

# %% [markdown]
# ## Say what you see
#
# What you write in the atlas, or here, is kept in the run beside the verdicts, never in their place: who said what and
# when. It can be undone, and comes along with `--previous`.

# %%
first = run.rare_classes[0].class_id
run.review("name", first, text="pieces of large spirals?", by="me")
run.review("note", first, text="ask the shredded question", by="me")
said = run.reviews.of_class(first)
print(said.name, [note.text for note in said.notes])

# %% [markdown]
# The next tutorial finds out whether that name is right.
