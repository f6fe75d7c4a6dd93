// The steps of the chosen trajectory, as rows with a column a method, or as text.
const pane = find(".steps");
const NAMED = 6; // children, by name
const SAME = "Steps of the group in this state";

function drawSteps() {
  const one = chosen.trajectory;
  find(".title h2").textContent = one.title;
  find(".meta").replaceChildren(...meta(one));
  const view = visible().length ? chosen.view : "rows"; // of a text nothing is left
  pane.className = `steps ${view}`;
  if (!one.length) pane.replaceChildren(element("p", { class: "none" }, "No steps of its own."));
  else pane.replaceChildren(...(view === "rows" ? [table(one)] : flows(one)));
}

function meta(one) {
  const parts = [
    element("span", { class: "tag" }, groups[one.group]),
    element("span", {}, "return ", element("b", {}, plain(one.return))),
    element("span", {}, steps(one.length)),
  ];
  if (one.parent !== null)
    parts.push(element("span", {}, "continues ", link(trajectories[one.parent])));
  if (one.children.length) {
    const named = one.children.slice(0, NAMED).flatMap((child) => [link(child), " "]);
    const more = one.children.length - NAMED;
    parts.push(element("span", {}, "continued by ", ...named, more > 0 ? `and ${more} more` : ""));
  }
  return parts;
}

function link(one) {
  const known = { class: "link", "data-trajectory": one.number, click: () => select(one, 0) };
  return element("button", known, one.title);
}

function table(one) {
  const some = (column) => column.some((number) => number >= 0);
  const has = { frame: some(one.frame), action: some(one.action), anchor: some(one.anchor) };
  has.text = one.text.some((number) => texts[number]) || !has.action;
  const columns = visible();
  const head = element(
    "tr",
    {},
    element("th", { scope: "col" }, "#"),
    has.frame ? element("th", { scope: "col" }, "frame") : null,
    has.text ? element("th", { scope: "col", class: "wide" }, has.action ? "saw" : "said") : null,
    has.action ? element("th", { scope: "col", class: "wide" }, "did") : null,
    has.anchor ? element("th", { scope: "col", title: SAME }, "same") : null,
    element("th", { scope: "col" }, "reward"),
    ...columns.map(({ exact, index }) =>
      element("th", { scope: "col", class: exact ? "exact" : null }, ...broken(index)),
    ),
  );
  const body = one.text.map((_, step) => rowOf(one, step, columns, has));
  return element("table", {}, element("thead", {}, head), element("tbody", {}, ...body));
}

function rowOf(one, step, columns, has) {
  const [frame, action, anchor] = [one.frame[step], one.action[step], one.anchor[step]];
  const cell = (name, label, inside) =>
    element("td", { class: name, "data-label": label }, inside);
  const picture = { src: frames[frame], alt: "", loading: "lazy" };
  const paid = one.reward[step];
  return element(
    "tr",
    {
      "data-step": step,
      class: one.trained[step] ? null : "untrained",
      click: () => select(one, step),
    },
    element("th", { scope: "row" }, String(step + 1)),
    has.frame ? cell("frame", null, frame < 0 ? "" : element("img", picture)) : null,
    has.text ? cell("saw", null, element("div", {}, texts[one.text[step]])) : null,
    has.action ? cell("did", null, element("div", {}, action < 0 ? "" : texts[action])) : null,
    has.anchor ? cell("same", "same state", anchor < 0 ? "" : shared(anchor)) : null,
    cell("reward", "reward", paid ? plain(paid) : element("span", { class: "faint" }, "0")),
    ...columns.map(({ index }) => {
      const value = one.credit[index][step];
      const named = { "data-series": index, "data-label": label(series[index]) };
      const marks = { ...paint(value, index), title: exactly(value, index) };
      return element("td", { ...named, ...marks }, told(value, index));
    }),
  );
}

const shared = (anchor) => `\u00d7${members[anchor].length}`;

// One paragraph a method: what the agent said or did is coloured, the rest is not.
function flows(one) {
  return visible().map(({ index }) => {
    const inside = one.text.flatMap((_, step) => flowing(one, step, index));
    const name = element("h3", {}, swatch(index), label(series[index]));
    return element("section", { "data-series": index }, name, element("p", {}, ...inside));
  });
}

function flowing(one, step, index) {
  const [text, action] = [texts[one.text[step]], one.action[step]];
  const value = one.credit[index][step];
  const marks = paint(value, index);
  marks.class += " token";
  const token = {
    ...marks,
    "data-step": step,
    title: `step ${step + 1}, ${exactly(value, index)}`,
    click: () => select(one, step),
  };
  if (action < 0) return [element("span", token, text)];
  const seen = text ? element("span", { class: "seen" }, `${text}\n`) : "";
  return [seen, element("span", token, texts[action]), "\n"];
}

function markSteps() {
  const one = chosen.trajectory;
  const anchor = one.anchor[chosen.step];
  for (const node of pane.querySelectorAll("[data-step]")) {
    const step = Number(node.dataset.step);
    const now = step === chosen.step;
    now ? node.setAttribute("aria-current", "step") : node.removeAttribute("aria-current");
    node.classList.toggle("again", !now && anchor >= 0 && one.anchor[step] === anchor);
    if (now) reveal(node);
  }
}

// Scrolls its own pane only: on a narrow page, where none scrolls, nothing may jump.
function reveal(node) {
  if (node.tagName === "TR") {
    const main = find("main");
    const left = main.scrollLeft;
    if (!narrow.matches) node.scrollIntoView({ block: "nearest" });
    main.scrollLeft = left;
    return;
  }
  const text = node.closest("p");
  const at = node.offsetTop - text.offsetTop;
  const below = at + node.offsetHeight > text.scrollTop + text.clientHeight;
  if (below || at < text.scrollTop) text.scrollTop = at - text.clientHeight / 2;
}
