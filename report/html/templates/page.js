"use strict";
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const each = (selector, act) => document.querySelectorAll(selector).forEach(act);
const views = {}; // of the plots that are drawn, by name
const hidden = new Set(); // series, in every plot
document.documentElement.classList.add("scripted");

// Plots: drawn one after the other, so that the page can be used meanwhile. What stands in their
// places, a picture or what was drawn before, stays until each is there.
async function draw(zooms = {}) {
  const config = read("config");
  for (const [name, spec] of Object.entries(read("figures"))) {
    const plot = document.getElementById(`plot-${name}`);
    const next = plot.appendChild(document.createElement("div"));
    next.className = "next";
    for (const param of spec.params) if (param.name === "hidden") param.value = [...hidden];
    const drawn = await vegaEmbed(next, spec, {
      mode: "vega-lite", renderer: "svg", actions: false, config,
      defaultStyle: false, tooltip: { disableDefaultStyle: true, formatTooltip: told },
    });
    views[name]?.finalize();
    views[name] = drawn.view;
    await zoomTo(drawn.view, zooms[name]);
    next.className = "";
    plot.replaceChildren(next);
    // Its element says what the plot shows, as a whole.
    plot.querySelector("svg").setAttribute("aria-hidden", "true");
    await new Promise((after) => setTimeout(after));
  }
  document.documentElement.dataset.drawn = Object.keys(views).length;
}
function told(figures, escape) {
  const known = Object.entries(figures).filter(([name, text]) => text !== "NaN" && !hidden.has(name));
  const rows = known.map(([name, text]) => `<tr><td class="key">${escape(name)}</td><td>${escape(text)}</td></tr>`);
  return `<table><tbody>${rows.join("")}</tbody></table>`;
}

// Series that are hidden are hidden in every plot.
function press() {
  each("[data-series]", (one) => one.setAttribute("aria-pressed", !hidden.has(one.dataset.series)));
}
function hide(button) {
  const label = button.dataset.series;
  if (!hidden.delete(label)) hidden.add(label);
  press();
  for (const view of Object.values(views)) view.signal("hidden", [...hidden]).runAsync();
}

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
const zooming = (view) => ["zoom_x", "zoom_y"].filter((name) => name in view.getState().signals);
const zoomed = (view) => Object.fromEntries(zooming(view).map((name) => [name, view.signal(name)]));
async function zoomTo(view, state = {}) {
  for (const [name, domain] of Object.entries(state)) if (domain) view.signal(name, domain);
  await view.runAsync();
}
const moves = { ArrowLeft: [-0.2, 0], ArrowRight: [0.2, 0], ArrowUp: [0, 0.2], ArrowDown: [0, -0.2] };
document.addEventListener("keydown", (event) => {
  const button = event.target.closest("[data-zoom]");
  if (!button || !moves[event.key]) return;
  event.preventDefault();
  zoom(views[button.parentElement.dataset.plot], 1, ...moves[event.key]);
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
function sort(head, direction) {
  const body = head.closest("table").tBodies[0];
  const sorted = [...body.rows].map((row) => [value(row.cells[head.cellIndex]), row]);
  sorted.sort((a, b) => (direction === "descending" ? order(b[0], a[0]) : order(a[0], b[0])));
  body.append(...sorted.map((pair) => pair[1]));
  for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", direction);
}
function mark() { // tables that go on where nobody sees it
  each(".scroll", (region) => region.classList.toggle("cut", region.scrollWidth > region.clientWidth + 1));
}
addEventListener("resize", mark);

// Files: made from what the page carries.
function save(name, text, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
async function savePicture(name) {
  const style = getComputedStyle(document.documentElement);
  const svg = await views[name].toSVG();
  const coloured = svg.replace(/var\((--[\w-]+)\)/g, (_, variable) => style.getPropertyValue(variable).trim());
  save(`${name}.svg`, coloured, "image/svg+xml");
}
async function copy(button) {
  const code = button.previousElementSibling;
  try {
    await navigator.clipboard.writeText(code.textContent);
  } catch { // where a page may not: it is there to be copied by hand
    return getSelection().selectAllChildren(code);
  }
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
}

const clicks = {
  "[data-series]": hide,
  "[data-zoom]": (button) => zoom(views[button.parentElement.dataset.plot], Number(button.dataset.zoom)),
  ".sort": ({ parentElement: head }) =>
    sort(head, head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending"),
  "[data-file]": (button) => save(button.dataset.file, read("downloads")[button.dataset.file], "text/csv"),
  "[data-picture]": (button) => savePicture(button.dataset.picture),
  "[data-copy]": copy,
};
document.addEventListener("click", (event) => {
  for (const [selector, act] of Object.entries(clicks)) {
    const found = event.target.closest(selector);
    if (found) act(found);
  }
});

// A page that follows a run: what is new takes the place of what was, and what its reader chose -
// hidden series, zoom, sorting, what is unfolded - stays. `next` is the new document.
const regionOf = (head) => head.closest(".scroll").getAttribute("aria-label");
const heads = () => [...document.querySelectorAll("th[scope=col]")];
const folds = () => [...document.querySelectorAll("details")];
const axes = (specs, name) => JSON.stringify(specs[name]?.layer?.map((layer) => layer.encoding?.y?.title));
window.redraw = async (next) => {
  if (!window.vegaEmbed) return location.reload(); // the first plots come with what draws them
  const sorts = heads().filter((head) => head.hasAttribute("aria-sort")).map((head) =>
    [regionOf(head), head.textContent, head.getAttribute("aria-sort")]);
  const unfolded = new Set(folds().filter((one) => one.open).map((one) => one.firstElementChild.textContent));
  const controls = () => [...document.querySelectorAll("main :is(a, button, summary, [tabindex])")];
  const focused = controls().indexOf(document.activeElement);
  const before = read("figures");
  for (const id of ["figures", "config", "downloads"])
    document.getElementById(id).textContent = next.getElementById(id).textContent;
  const main = document.adoptNode(next.querySelector("main"));
  for (const plot of main.querySelectorAll(".plot"))
    plot.replaceChildren(...(document.getElementById(plot.id)?.childNodes ?? plot.childNodes));
  document.querySelector("main").replaceWith(main);
  document.title = next.title;
  press();
  for (const [region, title, direction] of sorts)
    heads().filter((head) => regionOf(head) === region && head.textContent === title)
      .forEach((head) => sort(head, direction));
  for (const one of folds()) one.open = unfolded.has(one.firstElementChild.textContent);
  controls()[focused]?.focus({ preventScroll: true });
  mark();
  const after = read("figures");
  const zooms = Object.entries(views).filter(([name]) => axes(before, name) === axes(after, name));
  await draw(Object.fromEntries(zooms.map(([name, view]) => [name, zoomed(view)])));
};

mark();
draw();
