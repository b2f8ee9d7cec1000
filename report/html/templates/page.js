"use strict";
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const each = (selector, act) => document.querySelectorAll(selector).forEach(act);
const figures = read("figures");
const views = {};

// Plots: drawn one after the other, so that the page can be used meanwhile.
async function draw() {
  const config = read("config");
  for (const [name, spec] of Object.entries(figures)) {
    const drawn = await vegaEmbed(`#plot-${name}`, spec, {
      mode: "vega-lite", renderer: "svg", actions: false, config,
      defaultStyle: false, tooltip: { disableDefaultStyle: true },
    });
    views[name] = drawn.view;
    // Its element says what the plot shows, as a whole.
    document.querySelector(`#plot-${name} svg`).setAttribute("aria-hidden", "true");
    await new Promise((next) => setTimeout(next));
  }
  document.documentElement.dataset.drawn = Object.keys(views).length;
}

// Series that are hidden are hidden in every plot.
const hidden = new Set();
each("[data-series]", (button) => button.addEventListener("click", () => {
  const label = button.dataset.series;
  if (!hidden.delete(label)) hidden.add(label);
  each("[data-series]", (other) => other.setAttribute("aria-pressed", !hidden.has(other.dataset.series)));
  for (const view of Object.values(views)) view.signal("hidden", [...hidden]).runAsync();
}));

// Zoom and move, as the mouse does: `factor` 0 shows all again.
function zoom(view, factor, shiftX = 0, shiftY = 0) {
  for (const [axis, shift] of [["x", shiftX], ["y", shiftY]]) {
    const scale = view.scale(axis);
    if (["band", "point"].includes(scale.type)) continue; // of words
    const to = scale.type === "log" ? Math.log : Number;
    const from = scale.type === "log" ? Math.exp : Number;
    const [low, high] = scale.domain().map(to);
    const middle = (low + high) / 2 + shift * (high - low);
    const half = ((high - low) / 2) * factor;
    view.signal(`zoom_${axis}`, null);
    if (factor) view.signal(`zoom_${axis}`, [from(middle - half), from(middle + half)]);
  }
  view.runAsync();
}
const moves = { ArrowLeft: [-0.2, 0], ArrowRight: [0.2, 0], ArrowUp: [0, 0.2], ArrowDown: [0, -0.2] };
each("[data-zoom]", (button) => {
  const view = () => views[button.parentElement.dataset.plot];
  button.addEventListener("click", () => zoom(view(), Number(button.dataset.zoom)));
  button.addEventListener("keydown", (event) => {
    if (!moves[event.key]) return;
    event.preventDefault();
    zoom(view(), 1, ...moves[event.key]);
  });
});

// Tables: by what a cell says, figures by their size.
const units = { ms: 1e-3, s: 1, kB: 1e3, MB: 1e6, GB: 1e9 };
function value(cell) {
  const text = cell.textContent.trim();
  const found = /^(-?[\d,]*\.?\d+(?:e[-+]?\d+)?)\s*(ms|s|kB|MB|GB)?(?![\w.])/.exec(text);
  return found ? Number(found[1].replaceAll(",", "")) * (units[found[2]] ?? 1) : text;
}
function order(a, b) {
  if (typeof a === typeof b) return typeof a === "number" ? a - b : a.localeCompare(b);
  return typeof a === "number" ? -1 : 1;
}
each(".sort", (button) => button.addEventListener("click", () => {
  const head = button.parentElement;
  const descending = head.getAttribute("aria-sort") === "ascending";
  const body = head.closest("table").tBodies[0];
  const sorted = [...body.rows].map((row) => [value(row.cells[head.cellIndex]), row]);
  sorted.sort((a, b) => (descending ? order(b[0], a[0]) : order(a[0], b[0])));
  body.append(...sorted.map((pair) => pair[1]));
  for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", descending ? "descending" : "ascending");
}));

// Files: made from what the page carries.
function save(name, text, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
each("[data-file]", (button) => button.addEventListener("click", () =>
  save(button.dataset.file, read("downloads")[button.dataset.file], "text/csv")));
each("[data-picture]", (button) => button.addEventListener("click", async () => {
  const style = getComputedStyle(document.documentElement);
  const svg = await views[button.dataset.picture].toSVG();
  const coloured = svg.replace(/var\((--[\w-]+)\)/g, (_, name) => style.getPropertyValue(name).trim());
  save(`${button.dataset.picture}.svg`, coloured, "image/svg+xml");
}));

draw();
