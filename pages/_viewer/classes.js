// The probability of each class after every night, and which classes cannot be ruled out.

const CLASSES_HINT = "What the classifier says when it knows this night and all before it, and nothing later; the values at the right are those at the cursor.";
const SET_HINT = " The rows on top are the prediction set: of the objects of every class, nine in ten have theirs in it; classes outside are drawn pale.";
const SPREAD_HINT = " The band is how far the probability moves when the images are turned and mirrored, which should change nothing.";
const SET_ROW = 6; // pixels a class in the map of prediction sets

class ClassPanel {
  constructor(viewer) {
    this.viewer = viewer;
    const { models } = viewer.data;
    this.plot = el("div", { class: "plot" });
    this.picker = models.length > 1
      ? segments("Classifier", models.map((m) => [m.model, m.model]), viewer.model.model, (name) => viewer.pickModel(name)) : null;
    const sets = models.some((m) => m.set);
    const spreads = models.some((m) => m.spread);
    this.node = el("section", { class: "panel classes", "aria-label": "Probability of each class" },
      el("div", { class: "heading" }, el("h3", {}, "Probability of each class", hint(CLASSES_HINT + (spreads ? SPREAD_HINT : "") + (sets ? SET_HINT : ""))), this.picker ?? el("span")), this.plot);
  }

  draw() {
    const { model, axis: x, epoch } = this.viewer;
    if (!model) { emptyText(this.plot, this.viewer.data.object.hidden ? "Hidden until you give a label." : "No classifier could read this object; the notes below say why."); return; }
    if (this.picker) press(this.picker, model.model);
    const y = {
      low: -0.02, high: 1.02, top: model.set ? 18 + SET_ROW * model.classes.length : 12,
      ticks: (count) => (count > 3.5 ? [0, 0.25, 0.5, 0.75, 1] : [0, 0.5, 1]).map((v) => [v, v.toFixed(2)]),
    };
    this.frame = chartFrame(this.plot, x, y, "Probability of each class after every night: a click chooses the night");
    this.columns = model.mjd.map((mjd, row) => this.frame.toX(x.of(mjd, model.epoch_of_row[row])));
    const last = model.probabilities.length - 1;
    const ranked = model.classes.map((_, k) => k).sort((a, b) => model.probabilities[last][a] - model.probabilities[last][b]);
    if (model.spread) for (const k of ranked) this.drawSpread(k);
    for (const k of ranked) this.drawClass(k);
    if (model.set) this.drawSets();
    this.labels = svg("g", { class: "labels" });
    this.frame.root.append(this.labels);
    const targets = this.columns.map((px, row) => [px, null, model.epoch_of_row[row]]);
    scrub(this.frame.root, (px, py) => this.viewer.show(nearest(targets, px, py).target[2], true), () => {});
    this.move(epoch);
  }

  /** Least to greatest probability over the orientations of the images, of a class that is not ruled out. */
  drawSpread(k) {
    const { model, data } = this.viewer;
    const name = model.classes[k];
    const rows = this.columns.map((_, row) => row).filter((row) => model.spread[0][row][k] !== null && (!model.set || model.set[row].includes(name)));
    if (rows.length < 2) return;
    const corner = (end) => (row) => `${this.columns[row]},${this.frame.toY(model.spread[end][row][k])}`;
    const points = [...rows.map(corner(1)), ...rows.reverse().map(corner(0))].join(" ");
    this.frame.marks.append(svg("polygon", { points, fill: data.styles[name].colour, class: "spread", "data-class": name }));
  }

  /** A class that is ruled out is drawn pale from then on. */
  drawClass(k) {
    const { model, data } = this.viewer;
    const { toY, marks } = this.frame;
    const name = model.classes[k];
    const style = data.styles[name];
    const inside = (row) => !model.set || model.set[row].includes(name);
    const group = svg("g", { class: name === model.class ? "series lead" : "series", "data-class": name });
    const paths = { full: "", pale: "" };
    const every = Math.ceil(this.columns.length / 60);
    const glyphs = [];
    model.probabilities.forEach((values, row) => {
      if (values[k] === null) return;
      const at = `${this.columns[row]},${toY(values[k])}`;
      const before = row ? model.probabilities[row - 1][k] : null;
      if (before !== null) {
        paths[inside(row) && inside(row - 1) ? "full" : "pale"] += `M${this.columns[row - 1]},${toY(before)}L${at}`;
      }
      if (row % every && row !== this.columns.length - 1) return;
      glyphs.push(svg("path", { d: GLYPH_PATHS[style.glyph], transform: `translate(${at}) scale(0.8)`, fill: style.colour, stroke: style.colour, class: inside(row) ? "glyph" : "glyph pale" }));
    });
    for (const [kind, d] of Object.entries(paths)) if (d) group.append(svg("path", { d, stroke: style.colour, class: `line ${kind}` }));
    group.append(...glyphs);
    marks.append(group);
  }

  /** One row a class: filled on the nights on which it cannot be ruled out. */
  drawSets() {
    const { model, data } = this.viewer;
    const { inner, marks } = this.frame;
    const group = svg("g", { class: "sets" });
    const ends = this.columns.map((px, i) => (i + 1 < this.columns.length ? this.columns[i + 1] : Math.max(px + 4, Math.min(px + 12, inner.x1))));
    model.classes.forEach((name, k) => {
      const y = 8 + SET_ROW * k;
      group.append(svg("line", { x1: inner.x0, x2: inner.x1, y1: y + 2, y2: y + 2, class: "grid" }));
      const runs = [];
      model.set.forEach((set, row) => {
        if (!set.includes(name)) return;
        const last = runs[runs.length - 1];
        if (last && last[1] === row - 1) last[1] = row; else runs.push([row, row]);
      });
      for (const [from, to] of runs) {
        group.append(svg("rect", { x: this.columns[from], y, width: Math.max(2, ends[to] - this.columns[from]), height: SET_ROW - 2, fill: data.styles[name].colour, "data-class": name }));
      }
    });
    group.append(svgText("90 % set", { x: inner.x0 - 7, y: 8 + (SET_ROW * model.classes.length) / 2 + 3, "text-anchor": "end", class: "unit" }));
    marks.append(group);
  }

  move(epoch) {
    const { model, data, axis } = this.viewer;
    if (!model || !this.frame) return;
    const { toX, toY, inner, cursor } = this.frame;
    const px = toX(axis.at(epoch));
    cursor.replaceChildren(svg("line", { x1: px, x2: px, y1: model.set ? 6 : inner.y0, y2: inner.y1 }));
    const row = model.row_of_epoch[epoch];
    const values = row < 0 ? model.classes.map(() => null) : model.probabilities[row];
    const set = row < 0 || !model.set ? model.classes : model.set[row];
    const rows = spread(values.map((p) => toY(p ?? 0)), 15, inner.y0 + 2, inner.y1 - 2);
    this.labels.replaceChildren(...model.classes.map((name, k) => {
      const style = data.styles[name];
      const kind = [name === model.class ? "lead" : "", set.includes(name) ? "" : "pale"].join(" ").trim();
      return svg("g", { class: kind },
        svg("path", { d: GLYPH_PATHS[style.glyph], transform: `translate(${inner.x1 + 14},${rows[k]})`, fill: style.colour, stroke: style.colour, class: "glyph" }),
        svgText(`${name} ${values[k] === null ? "–" : values[k].toFixed(2)}`, { x: inner.x1 + 24, y: rows[k] + 4 }));
    }));
  }
}
