// Elements, controls and words. Everything that comes from a file reaches the page through
// textContent or an attribute, never as HTML.

const SVG = "http://www.w3.org/2000/svg";
const ICONS = {
  previous: "M11 3L5 8l6 5z M3.4 3v10", next: "M5 3l6 5-6 5z M12.6 3v10",
  play: "M4 2.5l9 5.5-9 5.5z", pause: "M4.5 3v10 M11.5 3v10",
  back: "M10 3L5 8l5 5", forth: "M6 3l5 5-5 5",
  copy: "M5.5 5.5h8v8h-8z M10.5 5.5v-3h-8v8h3",
};
const CALM = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
// What the reader chose last, kept from object to object.
const chosen = {
  stretch: "asinh", interval: "zscale", map: "grey", level: true, manual: null, large: "science",
  unit: "mag", limits: true, axis: "MJD", fold: false, speed: CALM ? "½×" : "1×", model: null,
  evidence: true, opacity: 0.7,
};

function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function svgText(words, attributes) {
  const node = svg("text", attributes);
  node.textContent = words;
  return node;
}

function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

function icon(name) {
  return svg("svg", { viewBox: "0 0 16 16", class: "icon", "aria-hidden": "true" }, svg("path", { d: ICONS[name] }));
}

function button(label, name, action) {
  return el("button", { type: "button", "aria-label": label, title: label, onclick: action }, icon(name));
}

function select(label, options, key, redraw) {
  const node = el("select", { "aria-label": label, title: label }, ...options.map((o) => el("option", { value: o }, o)));
  node.value = options.includes(chosen[key]) ? chosen[key] : options[0];
  node.addEventListener("change", () => { chosen[key] = node.value; redraw(); });
  return node;
}

function check(label, hint, key, redraw) {
  const box = el("input", { type: "checkbox" });
  box.checked = chosen[key];
  box.addEventListener("change", () => { chosen[key] = box.checked; redraw(); });
  return el("label", { class: "check", title: hint }, box, label);
}

/** A field for a number; `take` gets it, if it is one, once the reader has entered it. */
function numberField(label, attributes, take) {
  const node = el("input", { type: "number", step: "any", "aria-label": label, title: label, ...attributes });
  node.addEventListener("change", () => { if (Number.isFinite(node.valueAsNumber)) take(node.valueAsNumber); });
  return node;
}

/** A row of exclusive choices; `options` are [value, words]. */
function segments(label, options, current, pick) {
  const group = el("div", { class: "segments", role: "group", "aria-label": label });
  for (const [value, words] of options) {
    group.append(el("button", { type: "button", "data-value": value, onclick: () => { press(group, value); pick(value); } }, words));
  }
  press(group, current);
  return group;
}

function press(group, value) {
  for (const one of group.children) one.setAttribute("aria-pressed", one.dataset.value === value);
}

/** A small "?" that explains what stands before it, to a pointer, the keyboard or a finger. */
function hint(words) {
  const tip = el("span", { class: "tip", popover: "manual", "aria-hidden": "true" }, words);
  const show = () => {
    tip.showPopover();
    const { left, top, bottom } = mark.getBoundingClientRect();
    const { width, height } = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(8, Math.min(window.innerWidth - width - 16, left - width / 2))}px`;
    tip.style.top = `${bottom + 8 + height < window.innerHeight ? bottom + 6 : top - height - 6}px`;
  };
  const hide = () => { if (mark !== document.activeElement) tip.hidePopover(); };
  const mark = el("span", { class: "hint", tabindex: 0, role: "note", "aria-label": words, onpointerenter: show, onfocus: show, onpointerleave: hide, onblur: () => tip.hidePopover() }, "?", tip);
  return mark;
}

/** A class in its colour and with its mark; `kind` tells who says so. */
function badge(styles, name, words, kind) {
  const { colour, ink, glyph, name: meaning } = styles[name];
  return el("span", { class: `badge ${kind}`, style: `--class: ${colour}; --class-ink: ${ink}`, title: meaning },
    el("span", { class: "glyph", "aria-hidden": "true" }, glyph), words);
}

function emptyText(host, words) {
  host.replaceChildren(el("p", { class: "empty" }, words));
}

const signed = (value, digits) => value.toFixed(digits).replace("-", "−");
