// The epoch viewer: frames, light curve and probabilities of one object under one cursor.
// Everything that comes from a file reaches the page through textContent or an attribute, never as HTML.

const INTERVALS = ["zscale", "99.5 %", "98 %", "min–max"];
// What the reader chose last, kept from object to object.
const chosen = {
  stretch: "asinh", interval: "zscale", map: "grey", level: true,
  unit: "mag", limits: true, axis: "time", model: null,
};
const ICONS = {
  previous: "M11 3L5 8l6 5z M3.4 3v10", next: "M5 3l6 5-6 5z M12.6 3v10",
  play: "M4 2.5l9 5.5-9 5.5z", pause: "M4.5 3v10 M11.5 3v10",
  back: "M10 3L5 8l5 5", forth: "M6 3l5 5-5 5",
  copy: "M5.5 5.5h8v8h-8z M10.5 5.5v-3h-8v8h3",
};

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
  node.value = chosen[key];
  node.addEventListener("change", () => { chosen[key] = node.value; redraw(); });
  return node;
}

function check(label, hint, key, redraw) {
  const box = el("input", { type: "checkbox" });
  box.checked = chosen[key];
  box.addEventListener("change", () => { chosen[key] = box.checked; redraw(); });
  return el("label", { class: "check", title: hint }, box, label);
}

/** A row of exclusive choices; `options` are [value, words]. */
function segments(label, options, current, pick) {
  const group = el("div", { class: "segments", role: "group", "aria-label": label });
  const mark = (value) => [...group.children].forEach((b) => b.setAttribute("aria-pressed", b.dataset.value === value));
  for (const [value, words] of options) {
    group.append(el("button", { type: "button", "data-value": value, onclick: () => { mark(value); pick(value); } }, words));
  }
  mark(current);
  return group;
}

/** A small "?" that explains in one sentence what stands before it. */
function hint(words) {
  return el("span", { class: "hint", tabindex: 0, role: "note", title: words, "aria-label": words }, "?");
}

const HINTS = {
  curve: "Brightness in a fixed aperture at the ring, one point a frame, brighter up; bars are 1σ, open triangles are limits where nothing was detected.",
  classes: "What the classifier says when it knows this night and all before it, and nothing later; the values at the right are those at the cursor.",
  verdict: "Probability of the class after the last night, as the classifier gives it.",
};

const signed = (value, digits) => value.toFixed(digits).replace("-", "−");
const degrees = ([ra, dec]) => `RA ${ra.toFixed(5)} Dec ${dec < 0 ? "−" : "+"}${Math.abs(dec).toFixed(5)}`;

class Viewer {
  constructor(host, data, actions) {
    Object.assign(this, { host, data, ...actions, epoch: 0, playing: null, blinking: null, charts: {} });
    this.model = data.models.find((m) => m.model === chosen.model) ?? data.models[0] ?? null;
    if (data.frames) this.decode();
    host.replaceChildren(...[this.subject(), this.verdicts(), this.stage()].filter(Boolean));
    this.resize = new ResizeObserver(() => this.drawCharts());
    this.root.querySelectorAll(".plot").forEach((plot) => this.resize.observe(plot));
    // a click leaves the keyboard with the viewer, so that space plays and does not press the button again
    host.tabIndex = -1;
    host.onmousedown = (event) => {
      if (!event.target.closest("button, svg")) return;
      event.preventDefault();
      host.focus({ preventScroll: true });
    };
    this.onkey = (event) => this.key(event);
    document.addEventListener("keydown", this.onkey);
    this.shade();
    this.drawCharts();
  }

  get root() { return this.host; }

  destroy() {
    this.stop();
    this.resize.disconnect();
    document.removeEventListener("keydown", this.onkey);
    clearTimeout(this.pending);
  }

  // ---- what is known -------------------------------------------------------------------------

  decode() {
    const { frames } = this.data;
    for (const name of ["science", "reference", "difference"]) {
      this[name] = frames[name] === null ? null : decodeFloats(frames[name]);
      frames[name] = null; // the text is no longer needed
    }
    this.size = frames.width * frames.height;
    this.layout = displayOrder(frames.width, frames.height, frames.sky);
  }

  /** Values of one image of an epoch as a function of the data index, sky level removed where asked. */
  image(name, epoch) {
    const { frames } = this.data;
    const level = (on, value) => (on ? value ?? 0 : 0);
    if (name === "difference" && this.difference) return this.from(this.difference, epoch, 0);
    const template = frames.reference_of_epoch[epoch];
    const sky = name === "difference" || chosen.level;
    const science = this.from(this.science, epoch, level(sky, frames.level[epoch]));
    const reference = this.from(this.reference, template, level(sky, frames.reference_level[template]));
    return { science, reference, difference: (i) => science(i) - reference(i) }[name];
  }

  from(stack, index, level) {
    const start = index * this.size;
    return (i) => stack[start + i] - level;
  }

  limits(name) {
    const { frames } = this.data;
    if (name === "difference") {
      const most = frames.difference_limits[chosen.interval];
      return [-most, most];
    }
    return (chosen.level ? frames.limits : frames.raw_limits)[chosen.interval];
  }

  // ---- the page, built once ------------------------------------------------------------------

  subject() {
    const { object } = this.data;
    const places = object.coordinates.map(({ label, symbols, text }) =>
      el("span", { title: label, class: "number" }, `${symbols} ${text}`.trim()));
    const copy = places.length ? button("Copy the coordinates", "copy", () => this.copy(object)) : null;
    return el("header", { class: "subject" },
      el("h2", {}, object.name),
      object.simulated ? el("span", { class: "tag", title: "Drawn by the simulator; not a real object" }, "simulated") : null,
      places.length ? null : el("span", { class: "quiet" }, "no coordinates in the file"), ...places, copy,
      this.turn ? el("span", { class: "turn" }, button("Previous object", "back", () => this.turn(-1)), button("Next object", "forth", () => this.turn(1))) : null);
  }

  copy(object) {
    const place = object.coordinates[0].text;
    navigator.clipboard?.writeText(place);
    this.say(`Copied ${place}`);
  }

  verdicts() {
    const { models, object, styles } = this.data;
    const badge = (name, words, kind) => el("span", { class: `badge ${kind}`, style: `--class: ${styles[name].colour}; --class-ink: ${styles[name].ink}`, title: styles[name].name },
      el("span", { class: "glyph", "aria-hidden": "true" }, styles[name].glyph), words);
    const line = el("div", { class: "verdicts" });
    models.forEach((m, i) => {
      const lead = models[0];
      const opinion = i === 0 ? null : el("span", { class: m.class === lead.class ? "quiet" : "differ" }, m.class === lead.class ? "agrees" : "≠ disagrees");
      const about = `${m.model} ${m.version} · ${m.nights} ${m.nights === 1 ? "night" : "nights"}`;
      line.append(el("button", {
        type: "button", class: "verdict", "data-model": m.model, title: `Show the probabilities of ${m.model} ${m.version}`,
        onclick: () => this.pickModel(m.model),
      }, badge(m.class, `${m.class} ${m.probability.toFixed(2)}`, "filled"), el("span", { class: "who number" }, about), opinion));
    });
    if (!models.length) line.append(el("span", { class: "quiet" }, "No verdict: no classifier could read this object."));
    if (object.truth) {
      line.append(el("span", { class: "verdict" }, badge(object.truth, object.truth, "truth"),
        el("span", { class: "who" }, object.simulated ? "truth (simulated)" : "label in the file")));
    }
    if (models.length) line.append(hint(HINTS.verdict));
    const warnings = [...new Set(models.flatMap((m) => m.warnings))];
    const caution = warnings.length
      ? el("p", { class: "caution", title: warnings.join("\n") }, warnings[0], warnings.length > 1 ? ` (and ${warnings.length - 1} more below)` : "") : null;
    return el("div", { class: "opinions" }, line, caution);
  }

  stage() {
    const { frames, curve } = this.data;
    const right = el("div", { class: "column charts" },
      this.panel("curve", "Light curve", curve ? this.curveTools() : null, curve?.system),
      this.panel("classes", "Probability of each class", this.classTools()));
    const left = el("div", { class: "column pictures" }, frames ? this.images() : null, this.player(), frames ? this.strip() : null);
    return el("div", { class: frames ? "stage" : "stage plain" }, left, right);
  }

  images() {
    const { frames } = this.data;
    const ratio = this.layout.columns / this.layout.rows;
    const figures = ["science", "reference", "difference"].map((name) => {
      const canvas = el("canvas", { role: "img", "aria-label": `${name} image`, "data-image": name });
      canvas.addEventListener("pointermove", (event) => this.point(name, event));
      canvas.addEventListener("pointerleave", () => { this.pointer.textContent = this.hint; });
      const overlay = svg("svg", { viewBox: `0 0 ${this.layout.columns} ${this.layout.rows}`, class: "overlay", "aria-hidden": "true" }, ...this.ring());
      const cover = el("div", { class: "fault" });
      const box = el("div", { class: "image" }, canvas, overlay, ...(name === "science" ? [this.compass(), this.scaleBar()] : []), cover);
      return el("figure", { class: name }, el("figcaption", {}, el("b", {}, name), el("span", { class: "said" })), box);
    });
    this.hint = "← → step   space play   b blink";
    this.pointer = el("span", { class: "pointer number" }, this.hint);
    const redraw = () => { this.shade(); this.show(this.epoch); };
    const tools = el("div", { class: "tools" },
      select("Stretch", Object.keys(STRETCHES), "stretch", redraw),
      select("Interval", INTERVALS, "interval", redraw),
      select("Colour map", Object.keys(COLOUR_MAPS), "map", redraw),
      check("remove sky", "Take each frame's own median off before showing it; one stretch holds for all frames", "level", redraw),
      this.pointer);
    return el("div", { class: "gallery", style: `--ratio: ${ratio}` }, el("div", { class: "images" }, ...figures), tools);
  }

  ring() {
    const { sky } = this.data.frames;
    const { columns, rows } = this.layout;
    const [right, up] = toDisplay(...sky.target, columns, rows, sky);
    const radius = Math.max(3, Math.min(columns, rows) / 14);
    const at = { cx: right + 0.5, cy: rows - up - 0.5, r: radius, "vector-effect": "non-scaling-stroke" };
    return [svg("circle", { ...at, class: "halo" }), svg("circle", { ...at, class: "ring" })];
  }

  compass() {
    const { north, east } = this.data.frames.sky;
    if (!north) return el("span", { class: "compass unknown", title: "The file has no WCS: which way is north is not known" }, "orientation unknown");
    const arm = ([x, y], name) => {
      const text = svg("text", { x: 27 + 20 * x, y: 27 - 20 * y + 3.5, "text-anchor": "middle" });
      text.textContent = name;
      return [svg("line", { x1: 27, y1: 27, x2: 27 + 14 * x, y2: 27 - 14 * y }), text];
    };
    return svg("svg", { viewBox: "0 0 54 54", class: "compass", "aria-label": "compass: north and east" }, ...arm(north, "N"), ...arm(east, "E"));
  }

  scaleBar() {
    const { sky } = this.data.frames;
    if (!sky.scale) return null;
    const width = this.layout.columns * sky.scale; // arcsec
    const length = [60, 30, 10, 5, 2, 1, 0.5].find((s) => s <= 0.45 * width) ?? 0.2;
    return el("span", { class: "scale", style: `width: ${(100 * length) / width}%` }, `${length}″`);
  }

  player() {
    const { epochs, frames } = this.data;
    const last = epochs.mjd.length - 1;
    this.slider = el("input", { type: "range", min: 0, max: last, step: 1, value: 0, "aria-label": "epoch", disabled: !last });
    this.slider.addEventListener("input", () => this.show(Number(this.slider.value), true));
    this.playButton = button("Play (space)", "play", () => this.toggle("playing"));
    this.blinkButton = el("button", { type: "button", class: "blink", "aria-pressed": "false", title: "Blink science against reference (b)", onclick: () => this.toggle("blinking") }, "blink");
    this.now = el("p", { class: "now number" });
    return el("div", { class: "player" },
      el("div", { class: "row" },
        button("Previous epoch (←)", "previous", () => this.step(-1)), this.playButton,
        button("Next epoch (→)", "next", () => this.step(1)), this.slider, frames ? this.blinkButton : null), this.now);
  }

  strip() {
    const { epochs, frames } = this.data;
    this.firstOfNight = [];
    epochs.night.forEach((night, i) => {
      const held = this.firstOfNight[night];
      // the night's first usable frame stands for it
      if (held === undefined || (frames.fault[held] && !frames.fault[i])) this.firstOfNight[night] = i;
    });
    this.thumbs = this.firstOfNight.map((i, night) => {
      const mark = el("span", { class: "mark" });
      const canvas = el("canvas", { "aria-hidden": "true" });
      const label = `Night ${night + 1}${epochs.utc[i] ? `, ${epochs.utc[i].slice(0, 10)}` : ""}`;
      return el("button", { type: "button", class: frames.fault[i] ? "thumb bad" : "thumb", title: label, "aria-label": label, onclick: () => this.show(i, true) }, canvas, mark);
    });
    return el("div", { class: "strip", role: "group", "aria-label": "one frame a night; the mark below is the leading class" }, ...this.thumbs);
  }

  panel(kind, title, tools, note) {
    const words = el("h3", {}, title, hint(HINTS[kind]), note ? el("span", { class: "note quiet" }, note) : null);
    return el("section", { class: `panel ${kind}` }, el("div", { class: "heading" }, words, tools ?? el("span")), el("div", { class: "plot" }));
  }

  curveTools() {
    const redraw = () => this.drawCharts();
    const axis = el("span", {}, segments("Time axis", [["time", "MJD"], ["night", "night"]], chosen.axis, (v) => { chosen.axis = v; redraw(); }));
    return el("div", { class: "tools" }, check("limits", "Show upper limits where nothing was detected", "limits", redraw),
      segments("Brightness", [["mag", "mag"], ["flux", "flux"]], chosen.unit, (v) => { chosen.unit = v; redraw(); }), this.data.epochs.dated ? axis : null);
  }

  classTools() {
    const { models } = this.data;
    if (models.length < 2) return null;
    this.modelPicker = segments("Classifier", models.map((m) => [m.model, m.model]), this.model.model, (v) => this.pickModel(v));
    return this.modelPicker;
  }

  pickModel(name) {
    chosen.model = name;
    this.model = this.data.models.find((m) => m.model === name);
    this.modelPicker?.querySelectorAll("button").forEach((b) => b.setAttribute("aria-pressed", b.dataset.value === name));
    this.drawCharts();
  }

  // ---- drawing -------------------------------------------------------------------------------

  /** New stretch or colours: fill the shade tables and repaint the filmstrip. */
  shade() {
    if (!this.data.frames) return;
    this.shades = shadeTable(chosen.stretch, chosen.map, false);
    this.signedShades = shadeTable(chosen.stretch, chosen.map, true);
    this.thumbs.forEach((thumb, night) => {
      this.paint(thumb.querySelector("canvas"), "science", this.firstOfNight[night]);
    });
  }

  paint(canvas, name, epoch) {
    const shades = name === "difference" ? this.signedShades : this.shades;
    paint(canvas, this.layout, this.image(name, epoch), ...this.limits(name), shades);
  }

  drawImages() {
    const { frames, epochs } = this.data;
    const swapped = this.blinking && this.blinkPhase;
    const said = {
      science: swapped ? "showing the reference" : epochs.band[this.epoch],
      reference: frames.reference_said[frames.reference_of_epoch[this.epoch]],
      difference: frames.difference_said,
    };
    this.root.querySelectorAll("figure").forEach((figure) => {
      const name = figure.className;
      const canvas = figure.querySelector("canvas");
      this.paint(canvas, name === "science" && swapped ? "reference" : name, this.epoch);
      figure.querySelector(".said").textContent = said[name];
      figure.querySelector(".fault").textContent = name === "science" && !swapped ? frames.fault[this.epoch] : "";
    });
  }

  axis() {
    const { epochs } = this.data;
    if (chosen.axis === "night" || !epochs.dated) return this.nightAxis();
    const low = epochs.mjd[0];
    const high = epochs.mjd[epochs.mjd.length - 1];
    const pad = Math.max((high - low) * 0.03, 0.05);
    const span = { low: low - pad, high: high + pad };
    const list = (count) => {
      const { values, digits } = ticks(span.low, span.high, count);
      return values.map((v) => [v, v.toFixed(digits)]);
    };
    return { ...span, mode: "time", unit: "MJD", at: (i) => epochs.mjd[i], ticks: list, dates: (count) => dateTicks(span.low + 0.1 * (span.high - span.low), span.high, count) };
  }

  /** Every night the same width, its exposures side by side. */
  nightAxis() {
    const { epochs } = this.data;
    const counts = new Array(epochs.nights).fill(0);
    const rank = epochs.night.map((night) => (counts[night] += 1));
    const at = (i) => epochs.night[i] + 1 + (0.6 * (rank[i] - 0.5)) / counts[epochs.night[i]] - 0.3;
    const list = (count) => ticks(0.4, epochs.nights + 0.6, count).values.filter((v) => v >= 1 && v % 1 === 0).map((v) => [v, `${v}`]);
    return { low: 0.4, high: epochs.nights + 0.6, mode: "night", unit: epochs.dated ? "night" : "frame", at, ticks: list, dates: () => [] };
  }

  drawCharts() {
    const x = this.axis();
    const plot = (kind) => this.root.querySelector(`.${kind} .plot`);
    const near = (targets, reach) => (event) => this.pick(event, targets, reach);
    if (this.data.curve) {
      const curve = drawCurve(plot("curve"), this.data, x, chosen);
      this.charts.curve = curve;
      const all = this.data.epochs.mjd.map((_, i) => [curve.toX(x.at(i)), null, i]);
      this.scrub(curve.root, near([...curve.points, ...all]));
    } else emptyText(plot("curve"), "No light curve: the photometry found nothing to measure.");
    if (this.model) {
      const classes = drawClasses(plot("classes"), this.model, this.data.styles, x);
      this.charts.classes = classes;
      this.scrub(classes.root, near(classes.columns.map((px, row) => [px, null, this.model.epoch_of_row[row]])));
    } else emptyText(plot("classes"), "No classifier could read this object; the notes below say why.");
    this.markNights();
    this.show(this.epoch);
  }

  /** The leading class of the chosen model under each thumbnail. */
  markNights() {
    this.thumbs?.forEach((thumb, night) => {
      const mark = thumb.querySelector(".mark");
      const lastFrame = this.data.epochs.night.lastIndexOf(night);
      const row = this.model ? this.model.row_of_epoch[lastFrame] : -1;
      const values = row < 0 ? null : this.model.probabilities[row];
      const best = values && values[0] !== null ? values.indexOf(Math.max(...values)) : -1;
      const style = best < 0 ? null : this.data.styles[this.model.classes[best]];
      mark.textContent = style ? style.glyph : "";
      mark.style.color = style ? style.colour : "";
    });
  }

  // ---- the cursor ----------------------------------------------------------------------------

  /** Make an epoch the current one, everywhere. */
  show(epoch, byHand = false) {
    if (byHand) this.stop("playing");
    const { epochs } = this.data;
    const moved = epoch !== this.epoch;
    this.epoch = Math.max(0, Math.min(epochs.mjd.length - 1, epoch));
    if (this.data.frames) this.drawImages();
    this.slider.value = this.epoch;
    this.slider.style.setProperty("--done", `${(100 * this.epoch) / Math.max(1, epochs.mjd.length - 1)}%`);
    this.now.replaceChildren(...this.words().map(([kind, words]) => el("span", { class: kind }, words)));
    this.slider.setAttribute("aria-valuetext", this.now.textContent);
    this.charts.curve?.move(this.epoch);
    this.charts.classes?.move(this.model.row_of_epoch[this.epoch], this.epoch);
    const night = epochs.night[this.epoch];
    this.thumbs?.forEach((thumb, i) => thumb.setAttribute("aria-current", i === night));
    if (moved) this.reveal(night);
    if (moved) this.tell(night + 1);
  }

  /** Scroll the filmstrip, and nothing else, to the night. */
  reveal(night) {
    const thumb = this.thumbs?.[night];
    if (!thumb) return;
    const strip = thumb.parentElement;
    const [left, right] = [thumb.offsetLeft - strip.offsetLeft, thumb.offsetLeft - strip.offsetLeft + thumb.offsetWidth];
    if (left < strip.scrollLeft) strip.scrollLeft = left - 8;
    if (right > strip.scrollLeft + strip.clientWidth) strip.scrollLeft = right - strip.clientWidth + 8;
  }

  /** Tell Python the night once the cursor has rested, for the link in the address bar. */
  tell(night) {
    clearTimeout(this.pending);
    this.pending = setTimeout(() => { if (this.playing === null) this.notify(night); }, 500);
  }

  words() {
    const { epochs, curve, frames } = this.data;
    const i = this.epoch;
    const parts = [["lead", epochs.dated ? `night ${epochs.night[i] + 1} of ${epochs.nights}` : ""],
      ["", `${frames ? "frame" : "point"} ${i + 1} of ${epochs.mjd.length}`]];
    if (epochs.dated) parts.push(["", `MJD ${epochs.mjd[i].toFixed(5)}`], ["", `${epochs.utc[i]} UTC`]);
    else parts.push(["", "no times in the file"]);
    if (epochs.band[i]) parts.push(["", epochs.band[i]]);
    if (curve && curve.mag[i] !== null) {
      const error = curve.mag_err[i] === null ? "" : ` ± ${curve.mag_err[i].toFixed(2)}`;
      parts.push(["lead", `${curve.mag[i].toFixed(2)}${error} mag`]);
    } else if (curve && curve.limit[i] !== null) parts.push(["lead", `fainter than ${curve.limit[i].toFixed(2)} mag`]);
    return parts.filter(([, words]) => words);
  }

  point(name, event) {
    const { frames } = this.data;
    const { columns, rows } = this.layout;
    const box = event.target.getBoundingClientRect();
    const right = Math.floor(((event.clientX - box.left) / box.width) * columns);
    const up = rows - 1 - Math.floor(((event.clientY - box.top) / box.height) * rows);
    if (right < 0 || up < 0 || right >= columns || up >= rows) return;
    const [x, y] = toData(right, up, columns, rows, frames.sky);
    const raw = { science: this.from(this.science, this.epoch, 0), reference: this.from(this.reference, frames.reference_of_epoch[this.epoch], 0), difference: this.image("difference", this.epoch) }[name];
    const value = raw(y * frames.width + x);
    const words = Number.isNaN(value) ? "no data" : `${signed(value, Math.abs(value) < 1000 ? 2 : 0)} ${frames.unit}`;
    const place = frames.sky.plate ? `   ${degrees(pixelToSky(x, y, frames.sky.plate))}` : "";
    this.pointer.textContent = `x ${x} y ${y}   ${words}${place}`;
  }

  /** Follow the pointer over a chart while it is pressed. */
  scrub(node, pick) {
    node.addEventListener("pointerdown", (event) => { node.setPointerCapture(event.pointerId); pick(event); });
    node.addEventListener("pointermove", (event) => { if (event.buttons) pick(event); });
  }

  /** Choose the epoch nearest to the pointer: a point within reach, else the nearest column. */
  pick(event, targets) {
    const box = event.currentTarget.getBoundingClientRect();
    const [px, py] = [event.clientX - box.left, event.clientY - box.top];
    const far = ([x, y]) => (y === null ? 12 + Math.abs(x - px) : Math.hypot(x - px, y - py));
    let best = targets[0];
    for (const target of targets) if (far(target) < far(best)) best = target;
    if (best) this.show(best[2], true);
  }

  // ---- playing -------------------------------------------------------------------------------

  step(by) {
    const count = this.data.epochs.mjd.length;
    this.show((this.epoch + by + count) % count, true);
  }

  toggle(what) {
    if (this[what] !== null) { this.stop(what); return; }
    const count = this.data.epochs.mjd.length;
    if (what === "playing" && count > 1) {
      this.playing = setInterval(() => this.show((this.epoch + 1) % count), 180);
    } else if (what === "blinking" && this.data.frames) {
      this.blinkPhase = true;
      this.blinking = setInterval(() => { this.blinkPhase = !this.blinkPhase; this.drawImages(); }, 500);
      this.drawImages();
    }
    this.buttons();
  }

  stop(what = null) {
    for (const name of what ? [what] : ["playing", "blinking"]) {
      if (this[name] === null) continue;
      clearInterval(this[name]);
      this[name] = null;
      if (name === "blinking") this.drawImages();
      else this.tell(this.data.epochs.night[this.epoch] + 1);
    }
    this.buttons();
  }

  buttons() {
    const playing = this.playing !== null;
    this.playButton.replaceChildren(icon(playing ? "pause" : "play"));
    this.playButton.setAttribute("aria-label", playing ? "Pause (space)" : "Play (space)");
    this.blinkButton.setAttribute("aria-pressed", this.blinking !== null);
  }

  key(event) {
    const from = event.composedPath()[0];
    const typing = from.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable=true], [role=dialog], [role=listbox]");
    if (event.ctrlKey || event.metaKey || event.altKey || (typing && typing !== this.slider)) return;
    const action = {
      ArrowLeft: () => this.step(-1), ArrowRight: () => this.step(1), b: () => this.toggle("blinking"),
      " ": from.closest?.("button, a, label") ? null : () => this.toggle("playing"),
    }[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  say(words) {
    if (this.pointer) this.pointer.textContent = words;
  }
}

function emptyText(host, words) {
  host.replaceChildren(el("p", { class: "empty" }, words));
}

export default function mount({ parentElement, data, setStateValue, setTriggerValue }) {
  let host = parentElement.querySelector(".viewer");
  if (!host) {
    host = el("div", { class: "viewer" });
    parentElement.append(host);
  }
  // with the object, so that the same night of another object is a change too
  host.notify = (night) => setStateValue("night", { object: data.payload.key, night });
  host.turn = (by) => setTriggerValue("turn", by);
  // a rerun of the page brings the same object again: keep what is shown
  if (host.viewer?.data.key !== data.payload.key) {
    host.viewer?.destroy();
    const actions = { notify: (night) => host.notify(night), turn: data.turning ? (by) => host.turn(by) : null };
    host.viewer = new Viewer(host, data.payload, actions);
    const first = data.payload.epochs.night.indexOf((data.night ?? 0) - 1);
    host.viewer.show(first >= 0 ? first : data.payload.epochs.peak);
    clearTimeout(host.viewer.pending);
  }
  return () => { host.viewer?.destroy(); host.viewer = null; };
}
