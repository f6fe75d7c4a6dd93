// All columns over the steps of one trajectory: strips of colour, and lines below them.
const overview = find(".overview");
const ROW = 22;
const CHART = 96;
const LEAST = 1; // pixels of a step
const EDGE = 10; // pixels after the last, half a number wide
const NUMBERS = 46; // pixels of a step that has room for one
let places = null; // where the steps are, for the cursor

function drawOverview() {
  const one = chosen.trajectory;
  const rows = visible();
  places = null;
  overview.replaceChildren();
  if (!one.length || !rows.length) return;
  const room = overview.clientWidth;
  const gutter = Math.min(150, Math.max(64, room * 0.22));
  const cell = Math.max(LEAST, (room - gutter - EDGE) / one.length);
  const height = rows.length * ROW + CHART + 26;
  const width = gutter + cell * one.length + EDGE;
  places = { gutter, cell, rows: rows.length };
  const fine = cell < 6 ? " fine" : "";
  const svg = element("svg", { width, height, class: `strips${fine}` });
  rows.forEach((row, at) => svg.append(stripRow(one, row, at)));
  svg.append(chart(one, rows), axis(one, height));
  svg.append(element("rect", { class: "cursor", y: 0, height: height - 18 }));
  svg.addEventListener("click", (event) => {
    const x = event.clientX - svg.getBoundingClientRect().left - gutter;
    if (x >= 0) select(one, Math.min(one.length - 1, Math.floor(x / cell)));
  });
  overview.append(svg);
  find("main").style.setProperty("--above", `${overview.offsetHeight}px`);
  const names = rows.map(label).join(", ");
  overview.setAttribute("aria-label", `Credit of ${steps(one.length)} by ${names}`);
}

function stripRow(one, row, at) {
  const { gutter, cell } = places;
  const made = element("g", { class: "strip-row", "data-series": row.index });
  const letters = Math.floor((gutter - 10) / 6.6);
  const hint = element("title", {}, label(row));
  const place = { x: gutter - 8, y: at * ROW + 15, class: "name" };
  made.append(element("text", place, shortened(label(row), letters), hint));
  one.credit[row.index].forEach((value, step) => {
    const box = { x: gutter + step * cell, y: at * ROW + 1, height: ROW - 3 };
    const gap = cell > 8 ? 2 : 0;
    const words = element("title", {}, `step ${step + 1}, ${exactly(value, row.index)}`);
    const marks = paint(value, row.index);
    made.append(element("rect", { ...box, width: cell - gap, rx: gap, ...marks }, words));
    if (cell < NUMBERS || value === null) return;
    const middle = { x: box.x + (cell - gap) / 2, y: at * ROW + 15 };
    const text = { ...middle, class: `value ${marks.class}` };
    made.append(element("text", text, told(value, row.index)));
  });
  return made;
}

// Values over steps; on own scales each line is in shares of its largest.
function chart(one, rows) {
  const top = rows.length * ROW + 8;
  const { gutter, cell } = places;
  const scaled = rows.map((row) => {
    const most = chosen.scale === "own" ? largest[row.index] || 1 : 1;
    return one.credit[row.index].map((value) => (value === null ? null : value / most));
  });
  const all = scaled.flat().filter((value) => value !== null);
  const high = Math.max(0, ...all) || (Math.min(0, ...all) ? 0 : 1);
  const low = Math.min(0, ...all);
  const y = (value) => top + 4 + ((high - value) / (high - low)) * (CHART - 8);
  const x = (step) => gutter + (step + 0.5) * cell;
  const made = element("g", { class: "chart" });
  const marks = [high, 0, low].filter((value, at, them) => them.indexOf(value) === at);
  for (const value of marks) {
    const ends = { x1: gutter, x2: gutter + cell * one.length, y1: y(value), y2: y(value) };
    made.append(element("line", { ...ends, class: value ? "grid" : "zero" }));
    if (value && Math.abs(y(value) - y(0)) < 12) continue;
    const place = { x: gutter - 8, y: y(value) + 4, class: "tick" };
    made.append(element("text", place, tick(value), element("title", {}, TICKS[chosen.scale])));
  }
  rows.forEach((row, at) => made.append(curve(scaled[at], row, x, y)));
  return made;
}

const TICKS = { own: "in shares of the largest", common: "credit" };

const tick = (value) =>
  chosen.scale === "own" && value
    ? signed(`${Math.round(100 * value)}%`)
    : plain(Number(value.toPrecision(2)));

function curve(values, row, x, y) {
  let path = "";
  let open = false;
  const made = element("g", { class: "curve", "data-line": line(row.index) });
  values.forEach((value, step) => {
    if (value !== null) path += `${open ? "L" : "M"}${x(step).toFixed(1)} ${y(value).toFixed(1)}`;
    open = value !== null;
    if (value !== null && places.cell > 9)
      made.append(element("circle", { cx: x(step), cy: y(value), r: row.exact ? 3 : 2.2 }));
  });
  made.prepend(element("path", { d: path }));
  return made;
}

function axis(one, height) {
  const made = element("g", { class: "axis" });
  const spacings = [1, 2, 5, 10, 20, 50, 100, 200, 500];
  const every = spacings.find((count) => count * places.cell > 26) || 1000;
  for (let step = 0; step < one.length; step += step ? every : Math.max(1, every - 1)) {
    const x = places.gutter + (step + 0.5) * places.cell;
    made.append(element("text", { x, y: height - 4 }, String(step + 1)));
  }
  made.append(element("text", { x: places.gutter - 8, y: height - 4, class: "tick" }, "step"));
  return made;
}

function markOverview() {
  const cursor = overview.querySelector(".cursor");
  if (!cursor) return;
  const width = Math.max(4, places.cell);
  const x = places.gutter + (chosen.step + 0.5) * places.cell - width / 2;
  cursor.setAttribute("x", x - 1);
  cursor.setAttribute("width", width);
  if (overview.scrollWidth > overview.clientWidth)
    overview.scrollLeft = Math.max(0, x - overview.clientWidth / 2);
}
