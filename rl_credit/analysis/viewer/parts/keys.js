// Choosing: every click and key ends here, and what it changes is drawn anew.
function select(one, step) {
  const other = one !== chosen.trajectory;
  chosen.trajectory = one;
  chosen.step = Math.max(0, Math.min(step, one.length - 1));
  if (other) {
    drawTrajectory();
    markItem();
  } else markStep();
}

function drawTrajectory() {
  drawSteps();
  drawOverview();
  drawTree();
  markStep();
}

function markStep() {
  markOverview();
  markSteps();
  drawAside();
}

function drawControls() {
  const buttons = series.map((one, index) =>
    element(
      "button",
      {
        "data-series": index,
        "aria-pressed": String(!chosen.hidden.has(index)),
        title: index < 9 ? `Show or hide (${index + 1})` : "Show or hide",
        click: () => toggle(index),
      },
      swatch(index),
      label(one),
    ),
  );
  find(".series").replaceChildren(...buttons);
  for (const kind of ["scale", "view"])
    for (const button of document.querySelectorAll(`[data-${kind}]`))
      button.setAttribute("aria-pressed", String(button.dataset[kind] === chosen[kind]));
  drawLegend();
}

function drawLegend() {
  const rows = visible();
  const common = chosen.scale === "common" && rows.length;
  const most = common ? full(rows[0].index) : 0;
  const end = common ? plain(most) : "each column's largest";
  const masked = trajectories.some((one) => one.trained.includes(0));
  find(".legend").replaceChildren(
    element("span", {}, "bad"),
    element("i", { class: "ramp" }),
    element("span", {}, "good"),
    element("span", { class: "end" }, `(${end})`),
    masked ? element("i", { class: "token masked key" }) : "",
    masked ? "masked" : "",
  );
  find(".legend").hidden = !rows.length;
  find(".legend").title = "Colours grow with the root of the size, bars and lines with the size";
}

function drawAll() {
  drawControls();
  drawList();
  drawTrajectory();
}

function toggle(index) {
  if (!series[index]) return;
  chosen.hidden.has(index) ? chosen.hidden.delete(index) : chosen.hidden.add(index);
  drawAll();
}

function choose(name, value) {
  chosen[name] = value;
  drawAll();
}

function along(by) {
  const at = listed.indexOf(chosen.trajectory);
  const next = listed[at < 0 ? 0 : Math.max(0, Math.min(listed.length - 1, at + by))];
  if (next) select(next, chosen.step);
}

function nextSame() {
  const all = members[chosen.trajectory.anchor[chosen.step]];
  if (!all) return;
  const at = all.findIndex(([one, step]) => one === chosen.trajectory && step === chosen.step);
  select(...all[(at + 1) % all.length]);
}

const KEYS = {
  ArrowLeft: () => select(chosen.trajectory, chosen.step - 1),
  ArrowRight: () => select(chosen.trajectory, chosen.step + 1),
  Home: () => select(chosen.trajectory, 0),
  End: () => select(chosen.trajectory, chosen.trajectory.length - 1),
  ArrowUp: () => along(-1),
  ArrowDown: () => along(1),
  a: nextSame,
  p: () => select(trajectories[chosen.trajectory.parent] || chosen.trajectory, 0),
  c: () => select(chosen.trajectory.children[0] || chosen.trajectory, 0),
  s: () => choose("scale", chosen.scale === "own" ? "common" : "own"),
  v: () => choose("view", chosen.view === "rows" ? "text" : "rows"),
  "/": () => filters.elements.words.focus(),
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select");
  if (event.key === "Escape" && typing) return typing.blur();
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const column = /^[1-9]$/.test(event.key);
  const act = column ? () => toggle(Number(event.key) - 1) : KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

for (const button of document.querySelectorAll("[data-scale]"))
  button.addEventListener("click", () => choose("scale", button.dataset.scale));
for (const button of document.querySelectorAll("[data-view]"))
  button.addEventListener("click", () => choose("view", button.dataset.view));

let width = 0;
new ResizeObserver(() => {
  if (overview.clientWidth === width) return;
  width = overview.clientWidth;
  drawOverview();
  markOverview();
}).observe(overview);

find("h1").textContent = data.title;
const unfold = () => (find("nav details").open = !narrow.matches);
narrow.addEventListener("change", unfold);
unfold();
drawGroups();
drawAll();
