"use strict";
// What stands beside the map. All text enters the page as text: el() knows no markup.
const $ = (id) => document.getElementById(id);

function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined).map((child) => (child instanceof Node ? child : String(child))));
  return made;
}

const fill = (id, ...children) => $(id).replaceChildren(...children.filter(Boolean));
const count = (n, noun, many = `${noun}s`) => `${n.toLocaleString("en")} ${n === 1 ? noun : many}`;
const button = (text, click, more = {}) => el("button", { type: "button", click, ...more }, text);

// inline styles set by script are no matter of the page's policy; attributes would be
function swatch(color) {
  const made = el("i", { class: "swatch", "aria-hidden": "true" });
  made.style.background = color;
  return made;
}

function picture(id, side) {
  const url = now.run.images ? cutout(id) : "", missing = () => el("span", { class: "missing" }, "no image");
  if (!url) return missing();
  const image = el("img", { src: url, width: side, height: side, alt: `Cutout of ${id}`, loading: "lazy" });
  image.addEventListener("error", () => image.replaceWith(missing()));
  return image;
}

// without images the ids alone
function gallery(sources, choose, caption = () => null) {
  return el("ul", { class: "gallery" }, ...sources.map((source) => {
    const id = el("span", { class: "id" }, source.id), press = { "aria-label": `Show ${source.id}` };
    const made = el("li", { class: source.exemplar ? "exemplar" : "" }, button("", () => choose(source.id), press), now.run.images ? id : null, caption(source));
    made.firstChild.append(now.run.images ? picture(source.id, 110) : id);
    return made;
  }));
}

function facts(pairs) {
  return el("dl", { class: "facts" }, ...pairs.map(([label, text]) => el("div", {}, el("dt", {}, label), el("dd", {}, text))));
}

function sourceCard(source, run, acts) {
  const sky = run.positions && source.ra !== null ? `${source.ra.toFixed(6)}, ${source.dec.toFixed(6)}` : null;
  const pairs = [["Class", source.class_id ? `${source.class_id} (${source.verdict})` : "none: in the sea"]];
  if (sky) pairs.push(["Position, deg", sky]);
  if (source.map[0] !== null) pairs.push(["On the map", source.map.map((v) => v.toFixed(2)).join(", ")]);
  if (source.value) pairs.push([source.value.name, source.value.text]);
  if (source.review) pairs.push(["Reviewed", source.review]);
  return el("div", { class: "source" },
    run.images ? picture(source.id, 150) : el("span", { class: "missing" }, "no images"),
    el("div", {}, el("p", { class: "id" }, source.id), facts(pairs)),
    run.images ? null : el("p", { class: "note" }, run.no_images),
    el("div", { class: "row" }, ...acts));
}

function selectionCard(found, show, download, clear) {
  const per = el("table", {}, el("caption", {}, "Sources per class"), el("tbody", {}, ...found.classes.map(([id, n]) => el("tr", {}, el("th", { scope: "row" }, id || "none: in the sea"), el("td", { class: "n" }, n.toLocaleString("en"))))));
  const listed = found.rows.slice(0, 200);
  const ids = el("ul", { class: "ids" }, ...listed.map(([id]) => el("li", {}, button(id, () => show(id)))));
  const rest = found.n - listed.length;
  return [el("p", {}, `${count(found.n, "source")} selected.`), found.n ? per : null,
    el("div", { class: "row" }, found.n ? button("Download CSV", download) : null, button("Clear", clear)),
    ids, rest > 0 ? el("p", { class: "note" }, `and ${rest.toLocaleString("en")} more, in the CSV.`) : null];
}

function classCard(found, held, choose) {
  const notes = (held.notes || []).map((note) => el("li", {}, note.text, " ", el("small", {}, `${note.who}, ${note.when}`)));
  const said = [held.name && ["Name", held.name], held.review && ["Reviewed", held.review], held.merged_into && ["Merged into", held.merged_into]].filter(Boolean);
  const checks = found.checks.length ? el("details", {}, el("summary", {}, `${count(found.checks.length, "check")}`), el("ul", { class: "checks" }, ...found.checks.map((c) => el("li", { class: c.passed ? "passed" : "failed" }, c.text)))) : null;
  return [gallery(found.gallery, choose), said.length ? facts(said) : null, notes.length ? el("ul", { class: "notes" }, ...notes) : null, facts(found.facts), checks];
}

function legendOf(legend) {
  if (legend.words) return [el("b", {}, legend.title), ...legend.words.map((w) => el("span", {}, swatch(w.color), `${w.word} (${w.n.toLocaleString("en")})`)), legend.missing ? el("span", {}, `no value: ${legend.missing.toLocaleString("en")}`) : null];
  const bar = el("i", { class: "scale", "aria-hidden": "true" });
  bar.style.background = `linear-gradient(to right, ${legend.scale.join(",")})`;
  return [el("b", {}, legend.title), el("span", { class: "n" }, legend.low), bar, el("span", { class: "n" }, legend.high), legend.missing ? el("span", {}, `no value: ${legend.missing.toLocaleString("en")}`) : null];
}

// fields are quoted; one that a spreadsheet would take for a formula gets an apostrophe
function csvOf(rows) {
  const field = (text) => `"${(/^[=+\-@\t\r]/.test(text) ? "'" : "") + text.replaceAll('"', '""')}"`;
  return ["id_str,class_id", ...rows.map((row) => row.map(field).join(","))].join("\r\n") + "\r\n";
}
