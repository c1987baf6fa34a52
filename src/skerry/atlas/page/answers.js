"use strict";
// Where answers come from: the server, or SKERRY, the data beside a page that was opened from disk.
const STATIC = window.SKERRY || null;
const TOKEN = document.querySelector("meta[name=skerry-token]").content;

async function ask(name, query = {}) {
  if (STATIC) return fromDisk[name](query);
  return answered(await fetch(`api/${name}?${new URLSearchParams(query)}`));
}

async function tell(name, body) {
  if (STATIC) return fromDisk[name](body);
  const headers = { "Content-Type": "application/json", "X-Skerry-Token": TOKEN };
  return answered(await fetch(`api/${name}`, { method: "POST", headers, body: JSON.stringify(body) }));
}

async function answered(response) {
  const found = await response.json().catch(() => ({ error: `the server answered ${response.status}` }));
  if (!response.ok) throw new Error(found.error);
  return found;
}

const cutout = (id) => (STATIC ? STATIC.cutouts[id] || "" : `api/cutout?${new URLSearchParams({ id })}`);

const fromDisk = {
  run: () => STATIC.run,
  members: () => STATIC.members,
  columns: () => ({}),
  gone: () => ({ reason: "" }),
  reviews: () => STATIC.reviews,
  class({ id }) {
    if (!STATIC.classes[id]) throw new Error(`this copy has no gallery of ${id}`);
    return STATIC.classes[id];
  },
  source: ({ id }) => describe(STATIC.points.id.indexOf(id)),
  nearest({ x, y }) {
    const { x: xs, y: ys } = STATIC.points;
    let best = -1, least = Infinity;
    for (let i = 0; i < xs.length; i++) {
      const d = (xs[i] - x) ** 2 + (ys[i] - y) ** 2;
      if (d < least) [best, least] = [i, d];
    }
    return { ...describe(best), distance: Math.sqrt(least) };
  },
  select({ polygon }) {
    const { x, y, c, id } = STATIC.points, names = [...STATIC.run.classes.map((k) => k.id), ""];
    const hit = [...x.keys()].filter((i) => inside(x[i], y[i], polygon));
    const place = (i) => (c[i] < 0 ? names.length - 1 : c[i]);
    hit.sort((a, b) => place(a) - place(b));
    const counted = names.map((name, k) => [name, hit.filter((i) => place(i) === k).length]);
    return { n: hit.length, classes: counted.filter((pair) => pair[1]), rows: hit.map((i) => [id[i], names[place(i)]]) };
  },
};

function describe(i) {
  const { x, y, c, id, map, ra, dec } = STATIC.points, found = c[i] < 0 ? null : STATIC.run.classes[c[i]];
  return { id: id[i], x: x[i], y: y[i], map: map[i], ra: ra ? ra[i] : null, dec: dec ? dec[i] : null, class_id: found ? found.id : "", verdict: found ? found.verdict : "" };
}

// even-odd, as the server's atlas/selection.py
function inside(x, y, polygon) {
  let odd = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [x1, y1] = polygon[i], [x2, y2] = polygon[j];
    if (y1 <= y !== y2 <= y && x < x1 + ((y - y1) * (x2 - x1)) / (y2 - y1)) odd = !odd;
  }
  return odd;
}
