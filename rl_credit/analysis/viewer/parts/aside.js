// Everything about the chosen step, and the steps in the same state.
const beside = find("aside");
const MOST = 100; // rows of the table of the same state

function drawAside() {
  const one = chosen.trajectory;
  const step = chosen.step;
  if (!one.length) return beside.replaceChildren();
  const parts = [element("h2", {}, `Step ${step + 1} of ${one.length}`)];
  if (one.frame[step] >= 0) {
    const named = { class: "frame", alt: `Frame of step ${step + 1}` };
    parts.push(element("img", { src: frames[one.frame[step]], ...named }));
  }
  parts.push(words(one, step), bars(one, step));
  if (one.anchor[step] >= 0) parts.push(same(one, step));
  beside.replaceChildren(...parts);
}

function words(one, step) {
  const made = element("dl", {});
  const add = (name, text, kind) =>
    made.append(element("dt", {}, name), element("dd", { class: kind }, text));
  const acted = one.action[step] >= 0;
  const text = texts[one.text[step]];
  const name = acted ? "saw" : one.trained[step] ? "said" : "read";
  if (text) add(name, text, "words");
  if (acted) add("did", texts[one.action[step]], "words did");
  add("reward", plain(one.reward[step]), "number");
  if (!one.trained[step]) add("credit", "masked: not the agent's", "none");
  return made;
}

// A bar to the right for good, to the left for bad, and the number.
function bars(one, step) {
  const rows = visible().map(({ index }) => {
    const value = one.credit[index][step];
    const bar = paint(value, index);
    bar.class += " bar";
    bar.style = `--share:${share(value, index).toFixed(3)}`;
    return element(
      "tr",
      { title: exactly(value, index) },
      element("th", { scope: "row" }, swatch(index), ...broken(index)),
      element("td", { class: "track" }, element("span", bar)),
      element("td", { class: "number" }, value === null ? "\u2013" : told(value, index)),
    );
  });
  return element("table", { class: "bars", "aria-label": "Credit of the step" }, ...rows);
}

function same(one, step) {
  const all = members[one.anchor[step]];
  const made = element("section", { class: "same" });
  made.append(element("h3", {}, `Same state, same group: ${steps(all.length)}`));
  if (all.length === 1) {
    const words = "No other step was in this state: nothing to compare with here.";
    made.append(element("p", { class: "none" }, words));
    return made;
  }
  const columns = visible();
  const at = all.findIndex(([other, place]) => other === one && place === step);
  const first = Math.max(0, Math.min(at - MOST / 2, all.length - MOST));
  const rows = all.slice(first, first + MOST).map((pair) => member(...pair, columns));
  const heads = columns.map((column) => element("span", { title: label(column) }, label(column)));
  const style = `--columns:${Math.max(1, columns.length)}`;
  made.append(element("p", { class: "heads", style }, ...heads));
  made.append(element("ol", { style }, ...rows));
  if (all.length > MOST)
    made.append(element("p", { class: "none" }, `${all.length - MOST} more; a goes through all.`));
  return made;
}

function member(other, step, columns) {
  const here = other === chosen.trajectory && step === chosen.step;
  const said = other.action[step] < 0 ? "" : texts[other.action[step]];
  return element(
    "li",
    {
      "data-trajectory": other.number,
      "data-step": step,
      "aria-current": here ? "step" : null,
      click: () => select(other, step),
    },
    element(
      "span",
      { class: "line" },
      element("button", { class: "link" }, other.title),
      element("small", {}, `step ${step + 1}`),
      element("span", { class: "did", title: said }, said),
    ),
    ...columns.map(({ index }) => chip(other.credit[index][step], index)),
  );
}
