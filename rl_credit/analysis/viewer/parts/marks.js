// Elements, numbers and colours.
const find = (selector) => document.querySelector(selector);

const SVG = new Set(["svg", "rect", "g", "path", "text", "title", "circle", "line"]);

// Children are nodes or strings; strings become text, never markup.
function element(tag, attributes, ...children) {
  const svg = SVG.has(tag);
  const made = svg
    ? document.createElementNS("http://www.w3.org/2000/svg", tag)
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === "click") made.addEventListener("click", value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false)
      made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

const shortened = (text, letters) =>
  text.length > letters ? text.slice(0, Math.max(1, letters - 1)) + "\u2026" : text;

// The name of a series, which may go on in the next line after an underscore.
function broken(index) {
  const parts = label(series[index]).split(/(?<=_)/);
  return parts.flatMap((part) => [part, element("wbr")]);
}

const signed = (text) => (text.startsWith("-") ? "\u2212" + text.slice(1) : text);

// A number as short as can be, for rewards and returns.
const plain = (value) => signed(String(Number(value.toPrecision(4))));

// Credit, with as many digits as its series needs.
function told(value, index) {
  if (value === null) return "";
  const size = largest[index] > 0 ? Math.floor(Math.log10(largest[index])) : 0;
  if (size > 4 || size < -5) return signed(value.toExponential(1));
  const text = value.toFixed(Math.min(6, Math.max(size > 1 ? 1 : 2, 2 - size)));
  return Number(text) === 0 ? text.replace("-", "") : value > 0 ? "+" + text : signed(text);
}

function exactly(value, index) {
  const digits = value === null ? "masked" : (value > 0 ? "+" : "") + signed(String(value));
  return `${label(series[index])}: ${digits}`;
}

// The size of credit from 0 to 1, the largest.
const share = (value, index) => (value ? Math.abs(value) / full(index) : 0);

// From 0, no colour, to 1, the full one: with the root of the size, since where few win,
// or one step is wild, the credit of all others is small and yet should be told apart.
const strength = (value, index) => Math.sqrt(share(value, index));

// From here on letters have the other brightness: in the dark, and always.
const DEEP = 0.64;
const STRONG = 0.85;

// Classes and style of what is coloured by credit.
function paint(value, index) {
  const much = strength(value, index);
  const names = ["credit"];
  if (value === null) names.push("masked");
  else if (much > 0) names.push(value > 0 ? "positive" : "negative");
  if (much > DEEP) names.push("deep");
  if (much > STRONG) names.push("strong");
  return { class: names.join(" "), style: `--much:${much.toFixed(3)}` };
}

// The same as a colour, for a gradient.
const colour = (value, index) =>
  `rgb(var(--${value > 0 ? "positive" : "negative"}) / ${strength(value, index).toFixed(2)})`;

function chip(value, index) {
  const marks = paint(value, index);
  marks.class += " chip";
  return element("span", { ...marks, title: exactly(value, index) }, told(value, index));
}

// A swatch of the line that a series has in the chart.
const LINES = 8;
function line(index) {
  const place = index - Number(series[0].exact);
  return place < 0 ? "exact" : String(place % LINES);
}
const swatch = (index) => element("i", { class: "swatch", "data-line": line(index) });
