"use strict";
// the page reads without this: it only sorts and filters the table of classes
const table = document.querySelector("table.sortable");
if (table) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const value = (row, column) => {
    const cell = row.cells[column];
    const text = cell.dataset.sort ?? cell.textContent.trim();
    const number = Number(text.replaceAll(",", ""));
    return text !== "" && Number.isFinite(number) ? number : text;
  };
  const compare = (a, b) =>
    typeof a === typeof b && typeof a === "number" ? a - b : String(a).localeCompare(String(b));
  heads.forEach((head, column) => {
    if ("fixed" in head.dataset) return;
    const button = document.createElement("button");
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const rows = [...body.rows].sort((a, b) => compare(value(a, column), value(b, column)));
      body.append(...(up ? rows : rows.reverse()));
    });
  });
  heads[0].setAttribute("aria-sort", "ascending");
  const input = document.getElementById("filter");
  const output = document.querySelector(".filter output");
  document.querySelector(".filter").hidden = body.rows.length < 10;
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase();
    const rows = [...body.rows];
    rows.forEach((row) => { row.hidden = !row.textContent.toLowerCase().includes(words); });
    output.value = words ? `${rows.filter((row) => !row.hidden).length} of ${rows.length}` : "";
  });
}
