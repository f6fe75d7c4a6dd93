// What was given, and what is chosen. Everything on the page is drawn from these two.
const data = JSON.parse(document.getElementById("data").textContent);
const { series, texts, frames, groups, trajectories } = data;

trajectories.forEach((one, number) => {
  one.number = number;
  one.length = one.text.length;
  one.return = one.reward.reduce((sum, paid) => sum + paid, 0);
  one.children = [];
  if (one.parent !== null) trajectories[one.parent].children.push(one);
});

// The steps of each anchor group, as [trajectory, step].
const members = [];
trajectories.forEach((one) =>
  one.anchor.forEach((anchor, step) => {
    if (anchor >= 0) (members[anchor] ||= []).push([one, step]);
  }),
);

// The largest size of credit in each series.
const largest = series.map((_, index) => {
  let most = 0;
  for (const one of trajectories)
    for (const value of one.credit[index]) most = Math.max(most, Math.abs(value));
  return most;
});

const tokens = trajectories.every(
  (one) => one.action.every((a) => a < 0) && one.frame.every((f) => f < 0),
);

const chosen = {
  trajectory: trajectories[0],
  step: 0,
  hidden: new Set(),
  scale: "own",
  view: tokens ? "text" : "rows",
};

// Everything stands below each other, and the page itself scrolls.
const narrow = window.matchMedia("(max-width: 760px)");

const visible = () =>
  series.map((one, index) => ({ ...one, index })).filter((one) => !chosen.hidden.has(one.index));

// What the full colour of a series stands for, and the whole length of a bar.
const full = (index) =>
  chosen.scale === "own"
    ? largest[index]
    : Math.max(0, ...visible().map((one) => largest[one.index]));

const label = (one) => (one.exact ? "exact advantage" : one.name);
