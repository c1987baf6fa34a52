"use strict";
// What happens when: state, and the answers put where they belong.
const now = { run: null, map: null, reviews: null, color: "class", chosen: -1, source: null, pinned: false, polygon: null };
let saying = 0;
const say = (text) => {
  $("said").textContent = text;
  clearTimeout(saying);
  saying = setTimeout(() => { $("said").textContent = ""; }, 6000);
};
const guarded = (work) => async (...given) => { try { return await work(...given); } catch (error) { say(error.message); } };

async function begin() {
  const [run, members] = await Promise.all([ask("run"), ask("members")]);
  now.run = run;
  document.title = `${run.title}: skerry atlas`;
  fill("title", run.title);
  fill("lede", run.said);
  fill("note-static", run.note);
  $("note-static").hidden = !run.note;
  const help = [["n", "next class"], ["p", "previous class"], ...(run.can_review ? [["e", "endorse it"], ["d", "dismiss it"]] : [])];
  fill("help", "Keys: ", ...help.flatMap(([key, what], i) => [i ? ", " : "", el("kbd", {}, key), ` ${what}`]));
  now.map = new AtlasMap($("map"), run, members, { point: guarded(hover), pick: guarded(pick), select: guarded(select) });
  now.map.draw("class", true);
  $("with-rejected").hidden = !run.classes.some((k) => k.verdict === "rejected");
  now.reviews = await ask("reviews");
  listClasses();
  await now.map.shown;
  const painted = () => { document.body.dataset.painted = "yes"; };
  if (now.map.document.is_idle) painted();
  now.map.document.idle.connect(painted);
  for (const [group, names] of Object.entries(await ask("columns"))) {
    $("color").append(el("optgroup", { label: group }, ...names.map((name) => el("option", { value: `${group}:${name}` }, name))));
  }
  const { reason } = await ask("gone");
  if (!reason) return;
  run.images = false;
  run.no_images = reason;
  fill("note-static", reason);
  $("note-static").hidden = false;
}

const nameOf = (k) => (now.reviews.classes[k.id] || {}).name || k.id;

function listClasses() {
  const { classes } = now.run;
  fill("classes-note", classes.length ? "Choose one to see its members." : "No class was found in this run.");
  $("class-list").replaceChildren(...classes.map((k, i) => {
    return el("li", {}, button("", () => choose(i), { "aria-pressed": String(i === now.chosen), class: `pick ${k.verdict}` }));
  }));
  [...$("class-list").children].forEach((item, i) => {
    const k = classes[i], held = now.reviews.classes[k.id] || {};
    item.firstChild.append(swatch(k.color), el("b", {}, String(k.rank)), el("span", { class: "id" }, nameOf(k)), el("small", {}, `${k.size}, ${k.verdict}${held.review ? `, ${held.review}` : ""}`));
  });
  for (const side of ["left", "right"]) {
    const before = $(side).value;
    $(side).replaceChildren(...classes.map((k) => el("option", { value: k.id }, `${k.rank}: ${nameOf(k)}`)));
    if (before) $(side).value = before;
  }
}

async function choose(i) {
  now.chosen = i;
  const k = now.run.classes[i];
  now.map.ringClass(i);
  const found = await ask("class", { id: k.id });
  if (now.chosen !== i) return;
  now.shown = found;
  listClasses();
  drawClass();
  say(`Class ${k.rank} of ${now.run.classes.length}: ${nameOf(k)}`);
}

function drawClass() {
  const k = now.run.classes[now.chosen], held = now.reviews.classes[k.id] || {};
  $("class").hidden = false;
  fill("class-title", swatch(k.color), ` ${k.rank}: ${nameOf(k)}`);
  fill("class-body", ...classCard(now.shown, held, guarded(show)));
  $("compare-class").hidden = now.run.classes.length < 2;
  for (const part of document.querySelectorAll("[data-review]")) part.hidden = !now.run.can_review;
  $("name").value = held.name || "";
  $("undo").disabled = !now.reviews.last;
  $("undo").title = now.reviews.last ? `Take back: ${now.reviews.last}` : "";
}

const step = (by) => {
  const n = now.run.classes.length;
  if (n) return choose(now.chosen < 0 ? (by > 0 ? 0 : n - 1) : (now.chosen + by + n) % n);
};

const review = guarded(async (kind, more = {}) => {
  if (!now.run.can_review) return;
  const about = kind === "undo" ? {} : { class_id: now.run.classes[now.chosen].id };
  now.reviews = await tell("review", { kind, ...about, ...more });
  listClasses();
  if (now.chosen >= 0) drawClass();
  if (now.source) drawSource();
  say(kind === "undo" ? "Taken back." : `Kept: ${kind} ${more.id_str || about.class_id}.`);
});

let asking = false, next = null;
async function hover(x, y) {
  if (now.pinned) return;
  next = [x, y];
  if (asking) return;
  asking = true;
  try {
    while (next) {
      const [px, py] = next;
      next = null;
      const found = await nearest(px, py);
      if (found && !now.pinned) put(found);
    }
  } finally { asking = false; }
}

// nothing where the pointer is over open sea
async function nearest(x, y) {
  const found = await ask("nearest", { x, y, ...colored() });
  return found.distance <= 14 * now.map.pixel ? found : null;
}

const colored = () => (now.color.includes(":") ? { color: now.color } : {});

async function pick(x, y) {
  const found = await nearest(x, y);
  now.pinned = Boolean(found);
  if (found) put(found);
}

async function show(id) {
  now.pinned = true;
  put(await ask("source", { id, ...colored() }));
  $("source").scrollIntoView({ block: "nearest" });
}

function put(source) {
  if (now.source && now.source.id !== source.id) $("similar").hidden = true;
  now.source = source;
  now.map.ring(now.map.here, [source]);
  drawSource();
}

function drawSource() {
  const { run, source } = now, held = (now.reviews.sources[source.class_id] || {})[source.id];
  const place = run.classes.findIndex((k) => k.id === source.class_id);
  const about = { class_id: source.class_id, id_str: source.id };
  fill("source-body", sourceCard({ ...source, review: held }, run, [
    run.can_similar ? button("More like this", guarded(similar)) : null,
    place >= 0 ? button("Its class", () => choose(place)) : null,
    run.can_review && place >= 0 ? button("Endorse member", () => review("endorse", about)) : null,
    run.can_review && place >= 0 ? button("Dismiss member", () => review("dismiss", about)) : null,
  ]));
}

async function similar() {
  const { id } = now.source;
  now.pinned = true;
  const found = await ask("similar", { id, n: 24 });
  $("similar").hidden = false;
  fill("similar-title", `More like ${id}`);
  fill("similar-body", gallery(found, guarded(show), (s) => el("span", { class: "p" }, s.distance.toFixed(2))), button("Clear", () => { $("similar").hidden = true; now.map.ring(now.map.near, []); }));
  now.map.ring(now.map.near, found);
  $("similar").scrollIntoView({ block: "nearest" });
}

async function select(polygon) {
  now.polygon = polygon;
  const found = await tell("select", { polygon });
  const clear = () => { $("selection").hidden = true; now.map.clearLasso(); };
  const download = guarded(async () => {
    const all = await tell("select", { polygon, all: true });
    const url = URL.createObjectURL(new Blob([csvOf(all.rows)], { type: "text/csv" }));
    el("a", { href: url, download: "selection.csv" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  });
  $("selection").hidden = false;
  fill("selection-body", ...selectionCard(found, guarded(show), download, clear));
  $("selection").scrollIntoView({ block: "nearest" });
  tool("move");
}

function compare() {
  const { classes } = now.run, i = Math.max(now.chosen, 0);
  $("left").value = classes[i].id;
  $("right").value = classes[(i + 1) % classes.length].id;
  fillSide("left");
  fillSide("right");
  $("compare").showModal();
}

const fillSide = guarded(async (side) => {
  const found = await ask("class", { id: $(side).value });
  const away = (id) => { $("compare").close(); return show(id); };
  fill(`${side}-body`, ...classCard(found, now.reviews.classes[found.id] || {}, guarded(away)));
});

function tool(name) {
  now.map.tool(name);
  for (const id of ["move", "lasso"]) $(id).setAttribute("aria-pressed", String(id === name));
}

const recolor = guarded(async () => {
  now.color = $("color").value;
  const plain = !now.color.includes(":");
  const legend = plain ? null : await ask("legend", { color: now.color });
  now.map.draw(now.color, $("rejected").checked);
  now.map.ringClass(now.chosen);
  $("legend").hidden = plain && now.color === "class";
  const { verdicts } = now.run;
  const words = Object.entries(verdicts).map(([word, color]) => ({ word, color, n: now.run.classes.filter((k) => k.verdict === word).length })).filter((w) => w.n);
  fill("legend", ...legendOf(legend || { title: "classes by verdict", words }));
  if (now.source && !plain) put(await ask("source", { id: now.source.id, color: now.color }));
});

const clicks = {
  move: () => tool("move"), lasso: () => tool("lasso"), closer: () => now.map.zoom(1.6), farther: () => now.map.zoom(1 / 1.6), whole: () => now.map.show(now.run.home),
  endorse: () => review("endorse"), dismiss: () => review("dismiss"), undo: () => review("undo"), close: () => $("compare").close(),
  "zoom-class": () => now.shown.box && now.map.show(now.shown.box, 0.01), "compare-class": compare,
  "save-name": () => review("name", { text: $("name").value }),
  "save-note": async () => { await review("note", { text: $("note").value }); $("note").value = ""; },
};
for (const [id, click] of Object.entries(clicks)) $(id).addEventListener("click", click);
$("color").addEventListener("change", recolor);
$("rejected").addEventListener("change", recolor);
$("left").addEventListener("change", () => fillSide("left"));
$("right").addEventListener("change", () => fillSide("right"));
$("review").addEventListener("submit", (event) => event.preventDefault());
const keys = { n: () => step(1), p: () => step(-1), e: () => now.chosen >= 0 && review("endorse"), d: () => now.chosen >= 0 && review("dismiss"), Escape: () => { now.pinned = false; } };
document.addEventListener("keydown", guarded(async (event) => {
  const typing = event.target.closest("input[type=text], textarea, select");
  if (!now.map || typing || event.ctrlKey || event.metaKey || event.altKey || $("compare").open || !keys[event.key]) return;
  await keys[event.key]();
}));
begin().catch((error) => { say(error.message); fill("title", "The atlas could not be opened"); fill("lede", error.message); });
