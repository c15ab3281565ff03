// Charts: the light curve and the class probabilities, as SVG over one shared time axis.

const SVG = "http://www.w3.org/2000/svg";
const MARGIN = { left: 48, right: 88, top: 22, bottom: 22 };
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const MJD_UNIX = 40587; // MJD of 1970-01-01
const GLYPH_PATHS = {
  "●": "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0",
  "■": "M-3.6,-3.6h7.2v7.2h-7.2z",
  "▲": "M0,-4.6L4.4,3.4H-4.4z",
  "◆": "M0,-4.8L4.8,0L0,4.8L-4.8,0z",
  "★": "M0,-5.4L1.5,-1.8L5.2,-1.6L2.4,0.9L3.3,4.6L0,2.6L-3.3,4.6L-2.4,0.9L-5.2,-1.6L-1.5,-1.8z",
  "✕": "M-3.4,-3.4L3.4,3.4M3.4,-3.4L-3.4,3.4",
};
const LIMIT_PATH = "M-4,-2.5H4L0,4z";
// Filters, most observed first: told apart by shape, not only by tone.
const BAND_PATHS = [GLYPH_PATHS["●"], GLYPH_PATHS["■"], GLYPH_PATHS["◆"], GLYPH_PATHS["▲"]];

function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** Round numbers between two values, about `count` of them. */
function ticks(low, high, count) {
  const raw = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= raw * 0.999);
  const out = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i += 1) out.push(i * step);
  return { values: out, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}

/** Calendar marks (mjd, text) inside a span: years, months or days, at most `count`. */
function dateTicks(low, high, count) {
  const date = (mjd) => new Date((mjd - MJD_UNIX) * 864e5);
  const out = [];
  if (high - low < 50) {
    const step = [1, 2, 5, 10, 20].find((s) => (high - low) / s <= count) ?? 20;
    for (let mjd = Math.ceil(low); mjd <= high; mjd += step) {
      const day = date(mjd);
      const year = out.length ? "" : `${day.getUTCFullYear()} `;
      out.push([mjd, `${year}${MONTHS[day.getUTCMonth()]} ${day.getUTCDate()}`]);
    }
    return out;
  }
  const months = (high - low) / 30.44;
  const step = [1, 2, 3, 6, 12, 24, 60, 120].find((s) => months / s <= count) ?? 1200;
  const first = date(low);
  let month = Math.ceil((first.getUTCFullYear() * 12 + first.getUTCMonth() + 0.01) / step) * step;
  for (; ; month += step) {
    const [year, index] = [Math.floor(month / 12), month % 12];
    const mjd = Date.UTC(year, index, 1) / 864e5 + MJD_UNIX;
    if (!(mjd <= high)) return out;
    const text = step >= 12 ? `${year}` : index && out.length ? MONTHS[index] : `${year} ${MONTHS[index]}`;
    out.push([mjd, text]);
  }
}

/** A frame with axes; returns the scales, the groups to draw in, and the cursor. */
function chartFrame(host, x, y, label) {
  const width = Math.max(220, host.clientWidth);
  const height = Math.max(120, host.clientHeight);
  const inner = { x0: MARGIN.left, x1: width - MARGIN.right, y0: y.dated ? MARGIN.top : 12, y1: height - MARGIN.bottom };
  const toX = (v) => inner.x0 + ((v - x.low) / (x.high - x.low)) * (inner.x1 - inner.x0);
  const toY = (v) => inner.y1 - ((v - y.low) / (y.high - y.low)) * (inner.y1 - inner.y0);
  const axes = svg("g", { class: "axes" });
  const text = (px, py, words, anchor, extra = {}) => {
    const node = svg("text", { x: px, y: py, "text-anchor": anchor, ...extra });
    node.textContent = words;
    axes.append(node);
  };
  const room = (inner.x1 - inner.x0) / 72;
  for (const [value, words] of y.ticks((inner.y1 - inner.y0) / 44)) {
    axes.append(svg("line", { x1: inner.x0, x2: inner.x1, y1: toY(value), y2: toY(value), class: "grid" }));
    text(inner.x0 - 7, toY(value) + 4, words, "end");
  }
  for (const [value, words] of x.ticks(room)) text(toX(value), inner.y1 + 16, words, "middle");
  for (const [value, words] of y.dated ? x.dates(room) : []) {
    axes.append(svg("line", { x1: toX(value), x2: toX(value), y1: inner.y0 - 4, y2: inner.y0, class: "mark" }));
    text(toX(value), inner.y0 - 8, words, "middle");
  }
  text(inner.x1 + 20, inner.y1 + 16, x.unit, "start", { class: "unit" });
  if (y.unit) text(inner.x0 - 7, inner.y0 - 8, y.unit, "end", { class: "unit" });
  axes.append(svg("line", { x1: inner.x0, x2: inner.x1, y1: inner.y1, y2: inner.y1, class: "base" }));
  const [marks, cursor] = [svg("g", { class: "marks" }), svg("g", { class: "cursor" })];
  const root = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label },
    axes, cursor, marks);
  host.replaceChildren(root);
  return { toX, toY, inner, marks, cursor, root };
}

/** Move labels apart vertically, keeping their order; `wanted` are pixel rows. */
function spread(wanted, gap, low, high) {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a] - wanted[b]);
  const out = [...wanted];
  order.forEach((i, k) => {
    out[i] = Math.max(wanted[i], k ? out[order[k - 1]] + gap : low);
  });
  for (let k = order.length - 1; k >= 0; k -= 1) {
    out[order[k]] = Math.min(out[order[k]], k + 1 < order.length ? out[order[k + 1]] - gap : high);
  }
  return out;
}

/** Draw the light curve; returns `move(epoch)` and where the points are. */
function drawCurve(host, data, x, options) {
  const { curve, epochs } = data;
  const [value, error] = options.unit === "flux" ? [curve.flux, curve.flux_err] : [curve.mag, curve.mag_err];
  const limits = options.unit === "mag" && options.limits
    ? curve.limit.map((limit, i) => (curve.mag[i] === null ? limit : null)) : value.map(() => null);
  const seen = [...value, ...limits].filter((v) => v !== null);
  const frame = chartFrame(host, x, yScale(seen, options.unit), "Light curve");
  const { toX, toY, inner, marks } = frame;
  const bands = bandOrder(epochs.band);
  const points = [];
  epochs.mjd.forEach((_, i) => {
    const px = toX(x.at(i));
    marks.append(svg("line", { x1: px, x2: px, y1: inner.y1, y2: inner.y1 + 3, class: "mark" }));
    const band = bands.indexOf(epochs.band[i]) % BAND_PATHS.length;
    if (value[i] !== null) {
      const py = toY(value[i]);
      const clip = (row) => Math.max(inner.y0, Math.min(inner.y1, row));
      if (error[i] !== null) {
        const ends = { y1: clip(toY(value[i] - error[i])), y2: clip(toY(value[i] + error[i])) };
        marks.append(svg("line", { x1: px, x2: px, ...ends, class: "error" }));
      }
      marks.append(svg("path", { d: BAND_PATHS[band], transform: `translate(${px},${py})`, class: `point band${band}` }));
      points.push([px, py, i]);
    } else if (limits[i] !== null) {
      const py = toY(limits[i]);
      marks.append(svg("path", { d: LIMIT_PATH, transform: `translate(${px},${py})`, class: `limit band${band}` }));
      points.push([px, py, i]);
    }
  });
  if (options.unit === "flux") {
    marks.prepend(svg("line", { x1: inner.x0, x2: inner.x1, y1: toY(0), y2: toY(0), class: "zero" }));
  }
  if (!points.length) emptyNote(frame, "nothing was measured");
  drawLegend(frame, bands, limits.some((v) => v !== null), curve.sigma);
  const place = new Map(points.map(([px, py, i]) => [i, [px, py]]));
  const move = (epoch) => {
    const px = toX(x.at(epoch));
    const parts = [svg("line", { x1: px, x2: px, y1: inner.y0, y2: inner.y1 })];
    if (place.has(epoch)) parts.push(svg("circle", { cx: px, cy: place.get(epoch)[1], r: 7.5 }));
    frame.cursor.replaceChildren(...parts);
  };
  return { ...frame, points, move };
}

function yScale(values, unit) {
  const low = values.length ? values.reduce((a, b) => Math.min(a, b)) : 0;
  const high = values.length ? values.reduce((a, b) => Math.max(a, b)) : 1;
  const pad = Math.max((high - low) * 0.1, unit === "mag" ? 0.25 : Math.abs(high) * 0.05 || 1);
  const [bottom, top] = [low - pad, high + pad];
  const list = (count) => {
    const { values: at, digits } = ticks(bottom, top, count);
    return at.map((v) => [v, v.toFixed(digits).replace("-", "−")]);
  };
  if (!values.length) return { low: 0, high: 1, unit, dated: true, ticks: () => [] };
  // bright is up: a smaller magnitude is brighter
  const ends = unit === "mag" ? [top, bottom] : [bottom, top];
  return { low: ends[0], high: ends[1], unit, dated: true, ticks: list };
}

function bandOrder(bands) {
  const counts = new Map();
  for (const band of bands) counts.set(band, (counts.get(band) ?? 0) + 1);
  return [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a));
}

function drawLegend({ root, inner }, bands, limited, sigma) {
  const entries = bands.length > 1 || bands[0]
    ? bands.map((band, i) => [BAND_PATHS[i % 4], `point band${i % 4}`, band || "no filter"]) : [];
  if (limited) entries.push([LIMIT_PATH, "limit", sigma ? `${sigma}σ limit` : "limit"]);
  entries.forEach(([path, kind, words], i) => {
    const row = inner.y0 + 6 + 18 * i;
    const text = svg("text", { x: inner.x1 + 24, y: row + 4 });
    text.textContent = words;
    root.append(svg("path", { d: path, class: kind, transform: `translate(${inner.x1 + 14},${row})` }), text);
  });
}

function emptyNote({ marks, inner }, words) {
  const at = { x: (inner.x0 + inner.x1) / 2, y: (inner.y0 + inner.y1) / 2, "text-anchor": "middle", class: "note" };
  const text = svg("text", at);
  text.textContent = words;
  marks.append(text);
}

/** Draw one model's probabilities; returns `move(row)` and where the nights are. */
function drawClasses(host, model, styles, x) {
  const y = {
    low: -0.02, high: 1.02,
    ticks: (count) => (count > 3.5 ? [0, 0.25, 0.5, 0.75, 1] : [0, 0.5, 1]).map((v) => [v, v.toFixed(2)]),
  };
  const frame = chartFrame(host, x, y, "Probability of each class after every night");
  const { toX, toY, inner, marks, root } = frame;
  const columns = model.mjd.map((mjd, row) => toX(x.mode === "night" ? x.at(model.epoch_of_row[row]) : mjd));
  const last = model.probabilities.length - 1;
  const ranked = model.classes.map((_, k) => k)
    .sort((a, b) => model.probabilities[last][a] - model.probabilities[last][b]);
  for (const k of ranked) {
    const style = styles[model.classes[k]];
    const group = svg("g", { class: model.classes[k] === model.class ? "series lead" : "series" });
    let path = "";
    let open = false;
    model.probabilities.forEach((row, i) => {
      if (row[k] === null) { open = false; return; }
      path += `${open ? "L" : "M"}${columns[i]},${toY(row[k])}`;
      open = true;
    });
    group.append(svg("path", { d: path, stroke: style.colour, class: "line" }));
    const every = Math.ceil(columns.length / 60);
    model.probabilities.forEach((row, i) => {
      if (row[k] === null || (i % every && i !== last)) return;
      const at = { d: GLYPH_PATHS[style.glyph], transform: `translate(${columns[i]},${toY(row[k])}) scale(0.8)` };
      group.append(svg("path", { ...at, fill: style.colour, stroke: style.colour, class: "glyph" }));
    });
    marks.append(group);
  }
  const labels = svg("g", { class: "labels" });
  root.append(labels);
  const move = (row, epoch) => {
    const px = toX(x.at(epoch));
    frame.cursor.replaceChildren(svg("line", { x1: px, x2: px, y1: inner.y0, y2: inner.y1 }));
    const values = row < 0 ? model.classes.map(() => null) : model.probabilities[row];
    const rows = spread(values.map((p) => toY(p ?? 0)), 15, inner.y0 + 2, inner.y1 - 2);
    labels.replaceChildren(...model.classes.flatMap((name, k) => {
      const style = styles[name];
      const at = { d: GLYPH_PATHS[style.glyph], transform: `translate(${inner.x1 + 14},${rows[k]})` };
      const text = svg("text", { x: inner.x1 + 24, y: rows[k] + 4, class: name === model.class ? "lead" : "" });
      text.textContent = `${name} ${values[k] === null ? "–" : values[k].toFixed(2)}`;
      return [svg("path", { ...at, fill: style.colour, stroke: style.colour, class: "glyph" }), text];
    }));
  };
  return { ...frame, columns, move };
}
