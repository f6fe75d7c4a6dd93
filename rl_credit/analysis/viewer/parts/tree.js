// Trajectories that continue others: drawn from left to right, a node a row.
const WIDTH = 148;
const HEIGHT = 28;
const BOX = 112;

function drawTree() {
  const tree = find(".tree");
  const first = visible()[0];
  const root = rootOf(chosen.trajectory);
  tree.hidden = !root.children.length;
  const scroller = tree.querySelector(".scroller");
  scroller.replaceChildren();
  if (tree.hidden) return;
  const coloured = first ? `coloured by the mean of ${label(first)}; ` : "";
  tree.querySelector(".note").textContent = `${coloured}numbers are returns`;
  const nodes = [];
  const size = laidOut(root, nodes);
  const deepest = Math.max(...nodes.map((node) => node.depth));
  const box = { width: deepest * WIDTH + BOX + 46, height: size * HEIGHT + 4 };
  const named = { role: "group", "aria-label": "Tree of trajectories" };
  const svg = element("svg", { ...box, ...named, class: "branches" });
  for (const node of nodes) if (node.from) svg.append(edge(node.from, node));
  for (const node of nodes) svg.append(drawn(node));
  scroller.append(svg);
  const now = svg.querySelector("[aria-current]");
  const middle = Number(now.dataset.y) - scroller.clientHeight / 2;
  scroller.scrollTo(Number(now.dataset.x) - scroller.clientWidth / 2, middle);
}

function rootOf(one) {
  while (one.parent !== null) one = trajectories[one.parent];
  return one;
}

// Leaves below each other, a parent in the middle of its children; without recursion,
// since a chain may be long. Gives the number of leaves.
function laidOut(root, nodes) {
  const stack = [{ one: root, depth: 0, from: null, kids: [] }];
  while (stack.length) {
    const node = stack.pop();
    nodes.push(node);
    node.from?.kids.push(node);
    const depth = node.depth + 1;
    for (const one of [...node.one.children].reverse())
      stack.push({ one, depth, from: node, kids: [] });
  }
  let leaves = 0;
  for (const node of nodes) if (!node.kids.length) node.y = leaves++ * HEIGHT + HEIGHT / 2;
  for (const node of [...nodes].reverse())
    if (node.kids.length) node.y = (node.kids[0].y + node.kids.at(-1).y) / 2;
  return leaves;
}

function edge(from, to) {
  const [x1, x2] = [from.depth * WIDTH + BOX, to.depth * WIDTH + 2];
  const middle = (x1 + x2) / 2;
  const path = `M${x1} ${from.y}C${middle} ${from.y} ${middle} ${to.y} ${x2} ${to.y}`;
  return element("path", { d: path, class: "edge" });
}

function drawn(node) {
  const { one, depth, y } = node;
  const first = visible()[0];
  const value = first ? mean(one.credit[first.index]) : null;
  const marks = first ? paint(value, first.index) : { class: "credit" };
  const x = depth * WIDTH + 2;
  const rounded = value === null ? null : Number(value.toPrecision(6));
  const words = first ? `${one.title}: mean ${exactly(rounded, first.index)}` : one.title;
  const open = () => select(one, 0);
  const made = element(
    "g",
    {
      class: "node",
      role: "button",
      tabindex: 0,
      "aria-label": words,
      "aria-current": one === chosen.trajectory ? "true" : null,
      "data-trajectory": one.number,
      "data-x": x,
      "data-y": y,
      click: open,
    },
    element("title", {}, words),
    element("rect", { x, y: y - 11, width: BOX - 2, height: 22, rx: 5, ...marks }),
    element("text", { x: x + 7, y: y + 4, class: marks.class }, shortened(one.title, 16)),
  );
  if (!one.children.length) {
    const paid = element("text", { x: x + BOX + 4, y: y + 4, class: "paid" });
    paid.append(plain(one.return));
    made.append(paid);
  }
  made.addEventListener("keydown", (event) => event.key === "Enter" && open());
  return made;
}

function mean(values) {
  const known = values.filter((value) => value !== null);
  return known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
}
