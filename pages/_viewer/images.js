// Science, reference and difference: one stretch, one zoom, one pointer.

const INTERVALS = ["zscale", "99.5 %", "98 %", "min–max", "by hand"];
const NAMES = ["science", "reference", "difference"];
const REST = "wheel or pinch zooms   double click resets   ? lists the keys";

class Images {
  constructor(viewer) {
    this.viewer = viewer;
    const { frames } = viewer.data;
    this.stacks = {};
    for (const name of NAMES) {
      this.stacks[name] = frames[name] === null ? null : decodeFloats(frames[name]);
      frames[name] = null; // the text is no longer needed
    }
    this.size = frames.width * frames.height;
    this.scratch = new Float32Array(this.size);
    this.blinked = false;
    this.parts = Object.fromEntries(NAMES.map((name) => [name, this.figure(name)]));
    this.corners = this.cornerMarks();
    this.enlarge(chosen.large);
    this.pointer = el("p", { class: frames.sky.plate ? "pointer number" : "pointer number unplaced" }, REST);
    const ratio = viewer.layout.columns / viewer.layout.rows;
    this.box = el("div", { class: "images" }, ...NAMES.map((name) => this.parts[name].node));
    this.node = el("div", { class: "gallery", style: `--ratio: ${ratio}` }, this.box, this.pointer, this.tools());
    this.zoom = new Zoom(viewer.layout.columns, () => this.zoomed());
    for (const { box } of Object.values(this.parts)) this.zoom.attach(box);
  }

  figure(name) {
    const { columns, rows } = this.viewer.layout;
    const canvas = el("canvas", { role: "img", "aria-label": `${name} image`, "data-image": name });
    const evidence = name === "reference" ? null : el("canvas", { "data-evidence": name, class: "evidence", "aria-hidden": "true" });
    const cross = svg("path", { class: "cross", d: "M-3.5,0h2.5M1,0h2.5M0,-3.5v2.5M0,1v2.5", "vector-effect": "non-scaling-stroke" });
    const marks = svg("svg", { viewBox: `0 0 ${columns} ${rows}`, class: "overlay", "aria-hidden": "true" }, ...this.ring(), cross);
    const sheet = el("div", { class: "sheet" }, canvas, evidence, marks);
    const fault = el("div", { class: "fault" });
    const box = el("div", { class: "image" }, sheet, fault);
    box.addEventListener("pointermove", (event) => this.point(event, canvas));
    box.addEventListener("pointerdown", (event) => this.point(event, canvas));
    box.addEventListener("pointerleave", () => this.rest());
    const said = el("span", { class: "said" });
    const title = el("button", { type: "button", class: "title", onclick: () => this.enlarge(name) }, name);
    const caption = el("figcaption", {}, title, said);
    return { node: el("figure", { class: name }, caption, box), caption, title, box, sheet, canvas, evidence, cross, fault, said };
  }

  /** Give one of the images the large place, with the compass, the scale and the evidence's bar. */
  enlarge(large) {
    chosen.large = large;
    const places = ["large", "upper", "lower"];
    for (const name of [large, ...NAMES.filter((other) => other !== large)]) {
      const { node, title } = this.parts[name];
      node.style.gridArea = places.shift();
      title.setAttribute("aria-pressed", name === large);
      title.title = name === large ? "Shown large" : `Show the ${name} large`;
    }
    this.parts[large].box.append(...this.corners);
    this.parts[large].caption.append(this.viewer.evidence.box);
  }

  tools() {
    const redraw = () => { this.shade(); this.viewer.show(this.viewer.epoch); };
    this.limitFields = [0, 1].map((side) => numberField(side ? "Upper limit" : "Lower limit", { class: "limit-field" }, (value) => {
      chosen.manual[side] = value;
      redraw();
    }));
    const byHand = el("span", { class: "by-hand" }, ...this.limitFields);
    const interval = select("Interval", INTERVALS, "interval", () => { this.fillLimits(byHand); redraw(); });
    this.fillLimits(byHand);
    return el("div", { class: "tools" },
      select("Stretch", Object.keys(STRETCHES), "stretch", redraw), interval, byHand,
      select("Colour map", Object.keys(COLOUR_MAPS), "map", redraw),
      check("remove sky", "Take each frame's own median off before showing it; one stretch holds for all frames", "level", () => { this.fillLimits(byHand); redraw(); }));
  }

  /** Limits by hand begin at zscale. */
  fillLimits(box) {
    box.hidden = chosen.interval !== "by hand";
    if (box.hidden) return;
    const { frames } = this.viewer.data;
    chosen.manual = [...(chosen.level ? frames.limits : frames.raw_limits).zscale];
    this.limitFields.forEach((field, side) => { field.value = chosen.manual[side].toPrecision(4); });
  }

  ring() {
    const { sky } = this.viewer.data.frames;
    const { columns, rows } = this.viewer.layout;
    const [right, up] = toDisplay(...sky.target, columns, rows, sky);
    const radius = Math.max(3, Math.min(columns, rows) / 14);
    const at = { cx: right + 0.5, cy: rows - up - 0.5, r: radius, "vector-effect": "non-scaling-stroke" };
    return [svg("circle", { ...at, class: "halo" }), svg("circle", { ...at, class: "ring" })];
  }

  /** Compass, scale bar, and how far the view is zoomed. */
  cornerMarks() {
    this.scaleBar = el("span", { class: "scale" });
    this.zoomNote = el("button", { type: "button", class: "zoom-note", title: "Show the whole frame (0)", onclick: () => this.zoom.reset() });
    return [this.compass(), this.scaleBar, this.zoomNote];
  }

  compass() {
    const { north, east } = this.viewer.data.frames.sky;
    if (!north) return el("span", { class: "compass unknown", title: "The file has no WCS: which way is north is not known" }, "orientation unknown");
    const arm = ([x, y], name) => [svg("line", { x1: 27, y1: 27, x2: 27 + 14 * x, y2: 27 - 14 * y }),
      svgText(name, { x: 27 + 20 * x, y: 27 - 20 * y + 3.5, "text-anchor": "middle" })];
    return svg("svg", { viewBox: "0 0 54 54", class: "compass", role: "img", "aria-label": "compass: north and east" }, ...arm(north, "N"), ...arm(east, "E"));
  }

  /** The view has changed: lay all sheets alike. */
  zoomed() {
    if (!this.zoom) return;
    const { scale } = this.zoom;
    const { sky } = this.viewer.data.frames;
    for (const { sheet, box } of Object.values(this.parts)) {
      this.zoom.apply(sheet);
      box.classList.toggle("zoomed", scale > 1);
    }
    this.zoomNote.textContent = `${scale.toFixed(1)}×`;
    this.zoomNote.hidden = scale === 1;
    this.scaleBar.hidden = !sky.scale;
    if (!sky.scale) return;
    const width = (this.viewer.layout.columns * sky.scale) / scale; // arcsec in view
    const length = [60, 30, 10, 5, 2, 1, 0.5].find((s) => s <= 0.45 * width) ?? 0.2;
    this.scaleBar.textContent = `${length}″`;
    this.scaleBar.style.width = `${(100 * length) / width}%`;
  }

  // ---- pixels --------------------------------------------------------------------------------

  /** One image of an epoch, and the sky level to take off it where asked. */
  image(name, epoch) {
    const { frames } = this.viewer.data;
    const template = frames.reference_of_epoch[epoch];
    const levels = { science: frames.level[epoch] ?? 0, reference: frames.reference_level[template] ?? 0 };
    if (name !== "difference") return [this.from(name, name === "science" ? epoch : template), levels[name]];
    if (this.stacks.difference) return [this.from("difference", epoch), 0];
    const [science, reference] = [this.from("science", epoch), this.from("reference", template)];
    for (let i = 0; i < this.size; i += 1) this.scratch[i] = science[i] - reference[i];
    return [this.scratch, levels.science - levels.reference];
  }

  from(name, index) { return this.stacks[name].subarray(index * this.size, (index + 1) * this.size); }

  limits(name) {
    const { frames } = this.viewer.data;
    const byHand = chosen.interval === "by hand";
    if (name === "difference") {
      const most = frames.difference_limits[byHand ? "zscale" : chosen.interval];
      return [-most, most];
    }
    if (!byHand) return (chosen.level ? frames.limits : frames.raw_limits)[chosen.interval];
    const [low, high] = chosen.manual;
    return [low, high > low ? high : low + 1e-6];
  }

  /** New stretch or colours: fill the shade tables and repaint the filmstrip. */
  shade() {
    this.shades = shadeTable(chosen.stretch, chosen.map, false);
    this.signedShades = shadeTable(chosen.stretch, chosen.map, true);
    this.viewer.film.paint();
  }

  paint(canvas, name, epoch) {
    const shades = name === "difference" ? this.signedShades : this.shades;
    const [values, level] = this.image(name, epoch);
    paint(canvas, this.viewer.layout, values, chosen.level || name === "difference" ? level : 0, ...this.limits(name), shades);
  }

  draw() {
    const { data: { frames, epochs }, epoch, evidence } = this.viewer;
    const unread = evidence.shown && evidence.nightOf(epoch) < 0 ? `${epochs.band[epoch]}   not read by ${evidence.payload.model}`.trim() : null;
    const said = {
      science: this.blinked ? "showing the reference" : unread ?? epochs.band[epoch],
      reference: frames.reference_said[frames.reference_of_epoch[epoch]],
      difference: frames.difference_said,
    };
    for (const [name, part] of Object.entries(this.parts)) {
      this.paint(part.canvas, name === "science" && this.blinked ? "reference" : name, epoch);
      if (part.evidence) evidence.paint(part.evidence, epoch);
      part.said.textContent = said[name];
      part.fault.textContent = name === "science" && !this.blinked ? frames.fault[epoch] : "";
    }
    if (this.last) this.read(...this.last);
  }

  // ---- the pointer ---------------------------------------------------------------------------

  point(event, canvas) {
    const { columns, rows } = this.viewer.layout;
    const box = canvas.getBoundingClientRect();
    const right = Math.floor(((event.clientX - box.left) / box.width) * columns);
    const up = rows - 1 - Math.floor(((event.clientY - box.top) / box.height) * rows);
    if (right < 0 || up < 0 || right >= columns || up >= rows) return;
    this.last = [right, up];
    this.read(right, up);
  }

  rest() {
    this.last = null;
    this.pointer.textContent = REST;
    for (const { cross } of Object.values(this.parts)) cross.removeAttribute("transform");
  }

  /** Say what all three images hold at a pixel of the screen, and mark it in them. */
  read(right, up) {
    const { data: { frames }, layout: { columns, rows }, epoch, evidence } = this.viewer;
    const [x, y] = toData(right, up, columns, rows, frames.sky);
    const index = y * frames.width + x;
    const value = (name) => {
      const [values, level] = this.image(name, epoch);
      const number = values[index] - (name === "difference" ? level : 0);
      return `${name} ${Number.isNaN(number) ? "no data" : signed(number, Math.abs(number) < 1000 ? 2 : 0)}`;
    };
    const words = [`x ${x} y ${y}`, ...NAMES.map(value), frames.unit, evidence.said(epoch, (rows - 1 - up) * columns + right)];
    const place = frames.sky.plate ? `\n${skyWords(pixelToSky(x, y, frames.sky.plate))}` : "";
    this.pointer.textContent = words.filter(Boolean).join("   ") + place;
    for (const { cross } of Object.values(this.parts)) cross.setAttribute("transform", `translate(${right + 0.5},${rows - up - 0.5})`);
  }
}

/** A position in degrees and sexagesimal. */
function skyWords([ra, dec]) {
  const sign = dec < 0 ? "−" : "+";
  const parts = (value, digits) => {
    const total = Math.round(value * 3600 * 10 ** digits) / 10 ** digits; // so that 59.96 becomes the next minute
    const pad = (v, n = 0) => v.toFixed(n).padStart(n ? 3 + n : 2, "0");
    return `${pad(Math.floor(total / 3600))}:${pad(Math.floor((total % 3600) / 60))}:${pad(total % 60, digits)}`;
  };
  return `RA ${ra.toFixed(5)} Dec ${sign}${Math.abs(dec).toFixed(5)}   ${parts((ra / 15) % 24, 2)} ${sign}${parts(Math.abs(dec), 1)}`;
}
