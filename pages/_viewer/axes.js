// Axes: round numbers and calendar dates, the frame of a chart, and what runs along its x axis.

const MARGIN = { left: 48, right: 98, top: 22, bottom: 22 };
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const MJD_UNIX = 40587; // MJD of 1970-01-01
const TIME_AXES = ["MJD", "UTC", "days since first", "days since peak", "night"];

/** Round numbers between two values, about `count` of them. */
function ticks(low, high, count) {
  const raw = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= raw * 0.999);
  const out = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i += 1) out.push(i * step);
  return { values: out, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}

function tickTexts(low, high, count) {
  const { values, digits } = ticks(low, high, count);
  return values.map((v) => [v, signed(v, digits)]);
}

/** Marks (mjd, text) of the hours inside a span of few days, at most `count`. */
function hourTicks(low, high, count) {
  const step = [1, 2, 3, 6, 12, 24].find((s) => ((high - low) * 24) / s <= count - 1) ?? 48;
  const out = [];
  for (let hour = Math.ceil((low * 24) / step) * step; hour <= high * 24; hour += step) {
    const at = new Date((hour - 24 * MJD_UNIX) * 36e5);
    const day = `${MONTHS[at.getUTCMonth()]} ${at.getUTCDate()}`;
    const clock = `${String(at.getUTCHours()).padStart(2, "0")}h`;
    out.push([hour / 24, hour % 24 === 0 ? day : out.length ? clock : `${day} ${clock}`]);
  }
  return out;
}

/** Calendar marks (mjd, text) inside a span: years, months, days or hours, at most `count`. */
function dateTicks(low, high, count) {
  const date = (mjd) => new Date((mjd - MJD_UNIX) * 864e5);
  const out = [];
  if (high - low < 3) return hourTicks(low, high, count);
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

/**
 * The time axis of the reader's choice: `at(epoch)` and `of(mjd, epoch)` give a place on it,
 * `ticks(count)` and `dates(count)` what to write below and above.
 */
function timeAxis(epochs, kind) {
  if (kind === "night" || !epochs.dated) return nightAxis(epochs);
  const [first, last] = [epochs.mjd[0], epochs.mjd[epochs.mjd.length - 1]];
  const pad = Math.max((last - first) * 0.03, 0.05);
  const zero = { "days since first": first, "days since peak": epochs.mjd[epochs.peak] }[kind] ?? 0;
  const span = { low: first - pad - zero, high: last + pad - zero };
  const calendar = (low) => (count) => dateTicks(low + zero, span.high + zero, count).map(([mjd, words]) => [mjd - zero, words]);
  const numbered = {
    unit: zero ? "days" : "MJD", ticks: (count) => tickTexts(span.low, span.high, count),
    dates: calendar(span.low + 0.1 * (span.high - span.low)),
  };
  const dated = { unit: "UTC", ticks: calendar(span.low), dates: () => [] };
  return { ...span, at: (i) => epochs.mjd[i] - zero, of: (mjd) => mjd - zero, ...(kind === "UTC" ? dated : numbered) };
}

/** Every night the same width, its exposures side by side. */
function nightAxis(epochs) {
  const counts = new Array(epochs.nights).fill(0);
  const rank = epochs.night.map((night) => (counts[night] += 1));
  const at = (i) => epochs.night[i] + 1 + (0.6 * (rank[i] - 0.5)) / counts[epochs.night[i]] - 0.3;
  const [low, high] = [0.4, epochs.nights + 0.6];
  const list = (count) => ticks(low, high, count).values.filter((v) => v >= 1 && v % 1 === 0).map((v) => [v, `${v}`]);
  return { low, high, unit: epochs.dated ? "night" : "frame", at, of: (_, epoch) => at(epoch), ticks: list, dates: () => [] };
}

/** Two turns of a period, zero at the peak. */
function phaseAxis(epochs, period) {
  const at = (i) => {
    const turns = (epochs.mjd[i] - epochs.mjd[epochs.peak]) / period;
    return turns - Math.floor(turns);
  };
  return { low: -0.04, high: 2.04, unit: "phase", folded: true, at, ticks: (count) => tickTexts(0, 2, Math.min(count, 9)), dates: () => [] };
}

/** A frame with axes; returns the scales, the groups to draw in, and the cursor. */
function chartFrame(host, x, y, label) {
  const width = Math.max(220, host.clientWidth);
  const height = Math.max(90, host.clientHeight);
  const inner = { x0: MARGIN.left, x1: width - MARGIN.right, y0: y.top ?? MARGIN.top, y1: height - MARGIN.bottom };
  const toX = (v) => inner.x0 + ((v - x.low) / (x.high - x.low)) * (inner.x1 - inner.x0);
  const toY = (v) => inner.y1 - ((v - y.low) / (y.high - y.low)) * (inner.y1 - inner.y0);
  const axes = svg("g", { class: "axes" });
  const text = (px, py, words, anchor, extra = {}) => axes.append(svgText(words, { x: px, y: py, "text-anchor": anchor, ...extra }));
  const room = (inner.x1 - inner.x0) / 62;
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
  const groups = Object.fromEntries(["evidence", "cursor", "marks", "near"].map((name) => [name, svg("g", { class: name })]));
  const root = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label }, axes, ...Object.values(groups));
  host.replaceChildren(root);
  return { toX, toY, inner, root, ...groups };
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

/** Let the pointer choose on a chart: pressed it calls `pick`, at rest above it `hover`. */
function scrub(node, pick, hover) {
  const place = (event) => {
    const box = node.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  node.addEventListener("pointerdown", (event) => {
    if (event.target.closest("[role=button]")) return;
    node.setPointerCapture(event.pointerId);
    pick(...place(event));
  });
  node.addEventListener("pointermove", (event) => (event.buttons ? pick : hover)(...place(event)));
}

/** The target [x, y, value] nearest to a place; where y is null, the nearest column, less eagerly. */
function nearest(targets, px, py) {
  const far = ([x, y]) => (y === null ? 12 + Math.abs(x - px) : Math.hypot(x - px, y - py));
  let best = targets[0];
  for (const target of targets) if (far(target) < far(best)) best = target;
  return best ? { target: best, distance: far(best) } : null;
}
