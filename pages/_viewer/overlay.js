// Evidence: which pixels of which night speak for a class, laid over the frames in signed colours.

const FOR = [255, 106, 26]; // speaks for the class; and against it
const AGAINST = [34, 126, 255];
const EVIDENCE_HINT = "What each pixel adds to the log-odds of the class, against the baseline; one scale for all nights, transparent where it is nothing. The bars below the nights are their share of it.";

class Evidence {
  constructor(viewer) {
    this.viewer = viewer;
    this.payload = null;
    this.box = el("span", { class: "tools evidence", hidden: true });
  }

  get shown() { return this.payload !== null && chosen.evidence; }

  /** Take another overlay, or none, and repaint what depends on it; nothing else moves. */
  set(payload) {
    const { layout, data } = this.viewer;
    this.payload = data.frames && payload ? payload : null;
    this.box.hidden = this.payload === null;
    if (this.payload) {
      this.values = decodeFloats(payload.values);
      this.place = evidencePlace(layout, data.frames, payload);
      this.box.replaceChildren(...this.tools());
    }
    this.viewer.drawEvidence();
  }

  tools() {
    const { payload } = this;
    const redraw = () => this.viewer.drawEvidence();
    this.switch = check("evidence", `Show the evidence: ${payload.title} (e)`, "evidence", redraw);
    const opacity = el("input", { type: "range", min: 0, max: 1, step: 0.05, value: chosen.opacity, "aria-label": "Opacity of the evidence", title: "Opacity of the evidence" });
    opacity.addEventListener("input", () => { chosen.opacity = opacity.valueAsNumber; redraw(); });
    return [this.switch, opacity, this.bar(), hint(`${payload.title}. ${EVIDENCE_HINT}`)];
  }

  /** Colour bar with its numbers and what they speak for. */
  bar() {
    const { limit, signed: both, positive, negative, title } = this.payload;
    const most = Number(limit.toPrecision(2)).toString();
    const ramp = el("span", { class: both ? "ramp" : "ramp onesided", style: `--for: rgb(${FOR}); --against: rgb(${AGAINST})` });
    const label = both ? `from −${most}, ${negative}, to +${most}, ${positive}` : `from 0 to ${most}, ${positive}`;
    return el("span", { class: "colourbar number", role: "img", "aria-label": `Colour scale: ${label}`, title: `${title}: ${label}` },
      both ? el("span", {}, negative) : null, el("span", { class: "quiet" }, both ? `−${most}` : "0"), ramp,
      el("span", { class: "quiet" }, both ? `+${most}` : most), el("span", {}, positive));
  }

  toggle() {
    if (!this.payload) return;
    chosen.evidence = !chosen.evidence;
    this.switch.querySelector("input").checked = chosen.evidence;
    this.viewer.drawEvidence();
  }

  /** Place of a frame's map among the maps; -1 where the model did not read the frame. */
  nightOf(epoch) { return this.payload?.night_of_frame[epoch] ?? -1; }

  paint(canvas, epoch) {
    const { columns, rows } = this.viewer.layout;
    if (canvas.width !== columns || canvas.height !== rows) Object.assign(canvas, { width: columns, height: rows });
    const context = canvas.getContext("2d");
    const night = this.shown ? this.nightOf(epoch) : -1;
    canvas.style.opacity = chosen.opacity;
    canvas.hidden = night < 0;
    if (night < 0) { context.clearRect(0, 0, columns, rows); return; }
    const image = context.createImageData(columns, rows);
    const start = night * this.payload.size ** 2;
    for (let i = 0; i < this.place.length; i += 1) {
      if (this.place[i] < 0) continue;
      const value = this.values[start + this.place[i]];
      image.data.set(value < 0 ? AGAINST : FOR, 4 * i);
      image.data[4 * i + 3] = Math.round(255 * Math.min(1, Math.abs(value) / this.payload.limit));
    }
    context.putImageData(image, 0, 0);
  }

  /** Evidence of a pixel of the frame, in words; empty where there is none. */
  said(epoch, place) {
    const night = this.shown ? this.nightOf(epoch) : -1;
    const index = night < 0 ? -1 : this.place[place];
    if (index < 0) return "";
    const value = this.values[night * this.payload.size ** 2 + index];
    if (Math.abs(value) < 1e-3 * this.payload.limit) return "evidence 0";
    return `evidence ${value > 0 && this.payload.signed ? "+" : ""}${value.toPrecision(2).replaceAll("-", "−")}`;
  }

  /** Share and sign of a night that was read; null of another. */
  ofNight(night) {
    if (!this.payload || night < 0) return null;
    return { share: this.payload.shares[night], sum: this.payload.sums[night], most: this.payload.shares.reduce((a, b) => Math.max(a, b), 1e-9) };
  }
}

/** For every pixel on screen, its index in a map of the square around the target; -1 outside. */
function evidencePlace({ order }, { width }, { size, left, bottom }) {
  return order.map((index) => {
    const [x, y] = [(index % width) - left, Math.floor(index / width) - bottom];
    return x < 0 || y < 0 || x >= size || y >= size ? -1 : y * size + x;
  });
}

function evidenceWords({ share, sum }, { signed: both, unit }) {
  const part = `${(100 * share).toFixed(0)} % of the evidence`;
  return both ? `${part}, ${sum > 0 ? "+" : ""}${sum.toFixed(2).replace("-", "−")} ${unit}` : part;
}

/** Bars on the time axis of the light curve: how much each night that was read counts. */
function drawEvidence({ evidence: group, toX, inner }, x, epochs, payload) {
  if (!payload) { group.replaceChildren(); return; }
  const most = payload.shares.reduce((a, b) => Math.max(a, b), 1e-9);
  const bars = payload.shares.flatMap((share, night) => {
    const first = payload.night_of_frame.indexOf(night);
    if (first < 0) return [];
    const title = svg("title");
    title.textContent = evidenceWords({ share, sum: payload.sums[night] }, payload);
    const height = (30 * share) / most;
    const kind = payload.signed && payload.sums[night] < 0 ? "against" : "for";
    return (x.folded ? [0, 1] : [0]).map((turn) => svg("rect", {
      x: toX(x.at(first) + turn) - 2, y: inner.y1 - height, width: 4, height, class: kind, "data-night": night,
    }, title.cloneNode(true)));
  });
  group.replaceChildren(...bars);
}
