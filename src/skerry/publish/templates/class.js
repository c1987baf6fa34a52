"use strict";
// the page reads without this: it only follows the links to its neighbors by key
const keys = { n: "next", ArrowRight: "next", p: "prev", ArrowLeft: "prev" };
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
  if (event.target.closest("[tabindex], input, summary")) return;
  document.querySelector(`a[rel="${keys[event.key]}"]`)?.click();
});
