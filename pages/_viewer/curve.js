// The light curve: points, limits, filters, and their place under the cursor.

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
const CURVE_HINT = "Brightness in a fixed aperture at the ring, the light of a host inside it included; one point a frame, brighter up; bars are 1σ, open triangles are limits where nothing was detected. A click on a filter hides it.";

class CurvePanel {
  constructor(viewer) {
    this.viewer = viewer;
    this.hidden = new Set();
    const { curve, epochs } = viewer.data;
    this.bands = bandOrder(epochs.band);
    this.fold = curve && epochs.dated && epochs.mjd.length > 2 ? new Fold(viewer.data, () => this.draw()) : null;
    this.plot = el("div", { class: "plot" });
    const title = el("h3", {}, "Light curve", hint(CURVE_HINT), curve?.system ? el("span", { class: "note quiet" }, curve.system) : null);
    this.node = el("section", { class: "panel curve", "aria-label": "Light curve" },
      el("div", { class: "heading" }, title, curve ? this.tools() : el("span")), this.fold?.node ?? null, this.plot);
  }

  tools() {
    const all = () => this.viewer.drawCharts();
    return el("div", { class: "tools" },
      check("limits", "Show upper limits where nothing was detected", "limits", () => this.draw()),
      segments("Brightness", [["mag", "mag"], ["flux", "flux"]], chosen.unit, (unit) => { chosen.unit = unit; this.draw(); }),
      this.viewer.data.epochs.dated ? select("Time axis", TIME_AXES, "axis", all) : null, this.fold?.button ?? null);
  }

  /** Value, error and limit of every epoch in the chosen unit; null where not to be shown. */
  values() {
    const { curve, epochs } = this.viewer.data;
    const [value, error] = chosen.unit === "flux" ? [curve.flux, curve.flux_err] : [curve.mag, curve.mag_err];
    const shown = (i) => !this.hidden.has(epochs.band[i]);
    const limited = (i) => chosen.unit === "mag" && chosen.limits && curve.mag[i] === null && shown(i);
    return {
      value: value.map((v, i) => (shown(i) ? v : null)), error,
      limit: curve.limit.map((v, i) => (limited(i) ? v : null)),
    };
  }

  draw() {
    const { data, epoch } = this.viewer;
    if (!data.curve) { emptyText(this.plot, "No light curve: the photometry found nothing to measure."); return; }
    this.x = this.fold?.axis() ?? this.viewer.axis;
    const { value, error, limit } = this.values();
    const frame = chartFrame(this.plot, this.x, valueScale([...value, ...limit].filter((v) => v !== null), chosen.unit), "Light curve: a click chooses the epoch");
    this.frame = frame;
    this.points = [];
    for (const turn of this.x.folded ? [0, 1] : [0]) {
      data.epochs.mjd.forEach((_, i) => this.drawPoint(i, frame.toX(this.x.at(i) + turn), value[i], error[i], limit[i]));
    }
    const zero = frame.toY(0);
    if (chosen.unit === "flux" && zero >= frame.inner.y0 && zero <= frame.inner.y1) {
      frame.marks.prepend(svg("line", { x1: frame.inner.x0, x2: frame.inner.x1, y1: zero, y2: zero, class: "zero" }));
    }
    if (!this.points.length) emptyNote(frame, "nothing was measured");
    this.drawLegend(limit.some((v) => v !== null));
    this.drawEvidence();
    const columns = data.epochs.mjd.map((_, i) => [frame.toX(this.x.at(i)), null, i]);
    scrub(frame.root, (px, py) => this.pick(px, py, columns), (px, py) => this.hover(px, py));
    frame.root.addEventListener("pointerleave", () => frame.near.replaceChildren());
    this.move(epoch);
  }

  drawPoint(i, px, value, error, limit) {
    const { inner, toY, marks } = this.frame;
    marks.append(svg("line", { x1: px, x2: px, y1: inner.y1, y2: inner.y1 + 3, class: "mark" }));
    if (value === null && limit === null) return;
    const band = this.bands.indexOf(this.viewer.data.epochs.band[i]) % BAND_PATHS.length;
    const py = toY(value ?? limit);
    if (value !== null && error !== null) {
      const clip = (row) => Math.max(inner.y0, Math.min(inner.y1, row));
      marks.append(svg("line", { x1: px, x2: px, y1: clip(toY(value - error)), y2: clip(toY(value + error)), class: "error" }));
    }
    const look = value === null ? { d: LIMIT_PATH, class: `limit band${band}` } : { d: BAND_PATHS[band], class: `point band${band}` };
    marks.append(svg("path", { ...look, transform: `translate(${px},${py})` }));
    this.points.push([px, py, i]);
  }

  /** Filters with their number of points; each a switch where there are several. */
  drawLegend(limited) {
    const { root, inner } = this.frame;
    const { epochs, curve } = this.viewer.data;
    const entry = (row, path, kind, words, extra = {}) => {
      const y = inner.y0 + 6 + 18 * row;
      const group = svg("g", { ...extra }, svg("path", { d: path, class: kind, transform: `translate(${inner.x1 + 14},${y})` }),
        svgText(words, { x: inner.x1 + 24, y: y + 4 }));
      root.append(group);
      return group;
    };
    const named = this.bands.length > 1 || this.bands[0] ? this.bands : [];
    named.forEach((band, k) => {
      const count = epochs.band.filter((name, i) => name === band && curve[chosen.unit][i] !== null).length;
      const words = `${brief(band || "no filter")} ${count}`;
      const title = svg("title");
      title.textContent = `${count} ${count === 1 ? "measurement" : "measurements"} in filter ${band || "unknown"}`;
      if (named.length < 2) { entry(k, BAND_PATHS[k % 4], `point band${k % 4}`, words).append(title); return; }
      const pressed = !this.hidden.has(band);
      const switched = entry(k, BAND_PATHS[k % 4], `point band${k % 4}`, words, { role: "button", tabindex: 0, "aria-pressed": pressed, "data-band": band, class: "switch" });
      switched.append(title);
      const turn = () => {
        if (!this.hidden.delete(band)) this.hidden.add(band);
        this.draw();
        [...this.plot.querySelectorAll(".switch")].find((g) => g.dataset.band === band).focus();
      };
      switched.addEventListener("click", turn);
      switched.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        event.stopPropagation();
        turn();
      });
    });
    if (limited) entry(named.length, LIMIT_PATH, "limit", curve.sigma ? `${curve.sigma}σ limit` : "limit");
  }

  drawEvidence() {
    const { evidence, data } = this.viewer;
    if (this.frame) drawEvidence(this.frame, this.x, data.epochs, evidence.payload);
  }

  pick(px, py, columns) {
    const found = nearest([...this.points, ...(this.x.folded ? [] : columns)], px, py);
    if (found) this.viewer.show(found.target[2], true);
  }

  /** Ring the point under the pointer and say its value. */
  hover(px, py) {
    const found = nearest(this.points, px, py);
    if (!found || found.distance > 14) { this.frame.near.replaceChildren(); return; }
    const [x, y, i] = found.target;
    const { inner } = this.frame;
    const { epochs } = this.viewer.data;
    const words = [epochs.dated ? `MJD ${epochs.mjd[i].toFixed(4)}` : `frame ${i + 1}`, brightness(this.viewer.data, i, chosen.unit)].join("   ");
    this.frame.near.replaceChildren(svg("circle", { cx: x, cy: y, r: 7.5 }),
      svgText(words, { x: Math.max(inner.x0 + 80, Math.min(inner.x1 - 80, x)), y: Math.max(inner.y0 + 10, y - 14), "text-anchor": "middle", class: "said" }));
  }

  move(epoch) {
    if (!this.frame) return;
    const { toX, inner, cursor } = this.frame;
    const lines = (this.x.folded ? [0, 1] : [0]).map((turn) => toX(this.x.at(epoch) + turn));
    cursor.replaceChildren(...lines.map((px) => svg("line", { x1: px, x2: px, y1: inner.y0, y2: inner.y1 })),
      ...this.points.filter(([, , i]) => i === epoch).map(([cx, cy]) => svg("circle", { cx, cy, r: 7.5 })));
  }
}

/** Brightness of an epoch in words, with its unit; empty where nothing is known. */
function brightness({ curve, frames }, i, unit = "mag") {
  if (!curve) return "";
  const error = (values, digits) => (values[i] === null ? "" : ` ± ${values[i].toFixed(digits)}`);
  if (unit === "flux" && curve.flux[i] !== null) {
    return `${signed(curve.flux[i], 1)}${error(curve.flux_err, 1)} ${frames?.unit ?? "counts"}`;
  }
  if (curve.mag[i] !== null) return `${curve.mag[i].toFixed(2)}${error(curve.mag_err, 2)} mag`;
  return curve.limit[i] === null ? "" : `fainter than ${curve.limit[i].toFixed(2)} mag`;
}

function valueScale(values, unit) {
  if (!values.length) return { low: 0, high: 1, unit, dated: true, ticks: () => [] };
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  const pad = Math.max((high - low) * 0.1, unit === "mag" ? 0.25 : Math.abs(high) * 0.05 || 1);
  const [bottom, top] = [low - pad, high + pad];
  // bright is up: a smaller magnitude is brighter
  const ends = unit === "mag" ? [top, bottom] : [bottom, top];
  return { low: ends[0], high: ends[1], unit, dated: true, ticks: (count) => tickTexts(bottom, top, count) };
}

/** A name that fits beside a chart; its whole stands in a title. */
function brief(name, most = 12) {
  const letters = [...name];
  return letters.length > most ? `${letters.slice(0, most - 1).join("")}…` : name;
}

function bandOrder(bands) {
  const counts = new Map();
  for (const band of bands) counts.set(band, (counts.get(band) ?? 0) + 1);
  return [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a));
}

function emptyNote({ marks, inner }, words) {
  marks.append(svgText(words, { x: (inner.x0 + inner.x1) / 2, y: (inner.y0 + inner.y1) / 2, "text-anchor": "middle", class: "note" }));
}
