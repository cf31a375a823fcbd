"use strict";
// Sorting: numbers by value, words by the alphabet; what is no number (n/a, inc. 1/3) goes last.
function sortKey(cell) {
  const text = cell.textContent.trim();
  const match = /^[+-]?\d+(\.\d+)?/.exec(text);
  return { text: text, number: match ? parseFloat(match[0]) : NaN };
}
function compare(a, b, direction) {
  const numeric = [Number.isNaN(a.number), Number.isNaN(b.number)];
  if (!numeric[0] && !numeric[1]) { return direction * (a.number - b.number); }
  if (numeric[0] !== numeric[1]) { return numeric[0] ? 1 : -1; }
  return direction * a.text.localeCompare(b.text);
}
for (const button of document.querySelectorAll("table.sortable th button")) {
  button.addEventListener("click", function () {
    const head = button.closest("th");
    const place = head.cellIndex;
    const body = head.closest("table").tBodies[0];
    // Scores first with the best on top, names first from A.
    const first = place === 0 ? "ascending" : "descending";
    const other = place === 0 ? "descending" : "ascending";
    const order = head.getAttribute("aria-sort") === first ? other : first;
    for (const each of head.parentElement.cells) { each.setAttribute("aria-sort", "none"); }
    head.setAttribute("aria-sort", order);
    const direction = order === "ascending" ? 1 : -1;
    const rows = Array.from(body.rows);
    // Names of runs begin with no number; a method's name is text even where it begins with one.
    const keys = new Map(rows.map(function (row) {
      const key = sortKey(row.cells[place]);
      return [row, place === 0 ? { text: key.text, number: NaN } : key];
    }));
    rows.sort(function (a, b) { return compare(keys.get(a), keys.get(b), direction); });
    body.append.apply(body, rows);
  });
}
for (const button of document.querySelectorAll("button.copy")) {
  button.addEventListener("click", function () {
    const code = button.parentElement.querySelector("code");
    const range = document.createRange();
    range.selectNodeContents(code);
    const selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    // A page from a file has no clipboard in some browsers; the command is then selected at least.
    const copied = navigator.clipboard ? navigator.clipboard.writeText(code.textContent) : Promise.reject();
    copied.then(function () { button.textContent = "Copied"; }, function () { button.textContent = "Selected"; });
  });
}
// What scrolls sideways can be reached by keyboard; what does not is no stop on the way.
function markScrolling() {
  for (const box of document.querySelectorAll(".scroll")) {
    if (box.scrollWidth > box.clientWidth) { box.tabIndex = 0; } else { box.removeAttribute("tabindex"); }
  }
}
markScrolling();
window.addEventListener("resize", markScrolling);
document.addEventListener("toggle", markScrolling, true);
// Paper has no folds: open them but for pages of settings, and close those again that were closed.
let closed = [];
window.addEventListener("beforeprint", function () {
  closed = Array.from(document.querySelectorAll("details:not([open]):not(.long)"));
  for (const fold of closed) { fold.open = true; }
});
window.addEventListener("afterprint", function () {
  for (const fold of closed) { fold.open = false; }
});
