// The list of trajectories: what it filters, its order, and a strip of credit for each.
const filters = find(".filters");
const list = find(".list");
let listed = [];

const ORDERS = {
  given: () => 0,
  best: (a, b) => b.return - a.return,
  worst: (a, b) => a.return - b.return,
  longest: (a, b) => b.length - a.length,
  shortest: (a, b) => a.length - b.length,
  group: (a, b) => a.group - b.group || b.return - a.return,
};

function drawGroups() {
  const select = filters.elements.group;
  select.append(element("option", { value: "" }, `all ${groups.length} groups`));
  groups.forEach((name, index) => select.append(element("option", { value: index }, name)));
  select.hidden = groups.length < 2;
}

function wanted(one) {
  const { words, group, least, most } = filters.elements;
  const text = `${one.title} ${groups[one.group]}`.toLowerCase();
  return (
    text.includes(words.value.trim().toLowerCase()) &&
    (group.value === "" || one.group === Number(group.value)) &&
    (least.value === "" || one.return >= Number(least.value)) &&
    (most.value === "" || one.return <= Number(most.value))
  );
}

function drawList() {
  listed = trajectories.filter(wanted).sort(ORDERS[filters.elements.order.value]);
  const all = trajectories.length;
  find(".count").textContent = listed.length === all ? `${all}` : `${listed.length} of ${all}`;
  list.replaceChildren(...listed.map(item));
  markItem();
}

function item(one) {
  return element(
    "li",
    {
      role: "option",
      id: `t${one.number}`,
      "data-trajectory": one.number,
      click: () => select(one, 0),
    },
    element("span", { class: "name" }, one.title),
    element("span", { class: "return", title: "return" }, plain(one.return)),
    element("span", { class: "group" }, `${groups[one.group]} \u00b7 ${steps(one.length)}`),
    strip(one),
  );
}

const steps = (count) => (count === 1 ? "1 step" : `${count} steps`);

// The first visible column's credit over the steps.
function strip(one) {
  const first = visible()[0];
  if (!first || !one.length) return null;
  const values = one.credit[first.index];
  const stops = values.map((value, step) => {
    const share = (at) => `${((100 * at) / values.length).toFixed(1)}%`;
    return `${colour(value, first.index)} ${share(step)} ${share(step + 1)}`;
  });
  const style = `background-image:linear-gradient(to right,${stops.join(",")})`;
  return element("span", { class: "strip", style, title: label(first) });
}

function markItem() {
  list.querySelector("[aria-selected=true]")?.setAttribute("aria-selected", "false");
  const now = list.querySelector(`[data-trajectory="${chosen.trajectory.number}"]`);
  now?.setAttribute("aria-selected", "true");
  list.setAttribute("aria-activedescendant", now ? now.id : "");
  if (now && !narrow.matches) now.scrollIntoView({ block: "nearest" });
}

for (const kind of ["input", "change"]) filters.addEventListener(kind, drawList);
filters.addEventListener("submit", (event) => event.preventDefault());
