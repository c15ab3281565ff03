// Folding: a period, and the periodogram to choose it from.

const FOLD_HINT = "Lomb-Scargle periodogram of all measurements, each filter about its own mean; a click takes the highest peak nearby. The false-alarm probability is the chance of so high a peak in noise alone.";

class Fold {
  constructor(data, redraw) {
    Object.assign(this, { data, redraw });
    const { epochs, periods } = data;
    const span = epochs.mjd[epochs.mjd.length - 1] - epochs.mjd[0];
    this.best = periods?.period ?? null;
    this.period = this.best ?? Math.max(span / 4, 0.1);
    this.button = el("button", { type: "button", class: "fold", "aria-pressed": chosen.fold, title: "Fold the light curve with a period; phase 0 is the brightest night", onclick: () => this.toggle() }, "fold");
    this.field = numberField("Period, days", { min: 0, class: "period" }, (value) => { if (value > 0) this.set(value); });
    const scaled = (label, factor) => el("button", { type: "button", title: `${label} the period`, "aria-label": `${label} the period`, onclick: () => this.set(this.period * factor) }, factor > 1 ? "×2" : "÷2");
    this.said = el("span", { class: "quiet number" }, this.words());
    this.plot = el("div", { class: "periodogram" });
    this.node = el("div", { class: "folding" },
      el("div", { class: "tools" }, el("label", { class: "check" }, "period ", this.field, " d"), scaled("Halve", 0.5), scaled("Double", 2),
        this.best ? el("button", { type: "button", onclick: () => this.set(this.best) }, "best") : null, this.said, periods ? hint(FOLD_HINT) : null), this.plot);
    this.set(this.period, false);
    this.node.hidden = !chosen.fold;
  }

  words() {
    const { periods } = this.data;
    if (!periods) return "too few points to search for a period";
    const chance = periods.false_alarm;
    const power = Math.max(-99, Math.floor(Math.log10(chance)));
    const text = chance >= 0.001 ? chance.toFixed(3) : `10⁻${[...String(-power)].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]).join("")}`;
    return `best ${periods.period.toPrecision(5)} d, false alarm ${text}${periods.alias ? "; may be an alias of nightly visits" : ""}`;
  }

  toggle() {
    chosen.fold = !chosen.fold;
    this.button.setAttribute("aria-pressed", chosen.fold);
    this.node.hidden = !chosen.fold;
    this.redraw();
  }

  set(period, draw = true) {
    this.period = period;
    this.field.value = Number(period.toPrecision(6));
    if (draw) this.redraw();
  }

  /** The axis of phases, or null where time is wanted. */
  axis() {
    if (!chosen.fold) return null;
    this.draw();
    return phaseAxis(this.data.epochs, this.period);
  }

  draw() {
    const { periods } = this.data;
    this.plot.hidden = !periods;
    if (!periods) return;
    const [width, height] = [Math.max(220, this.plot.clientWidth), 46];
    const [x0, x1, y0, y1] = [MARGIN.left, width - MARGIN.right, 4, height - 14];
    const { frequency, power } = periods;
    const [slow, fast] = [Math.log(1 / frequency[0]), Math.log(1 / frequency[frequency.length - 1])];
    const toX = (period) => x0 + ((Math.log(period) - fast) / (slow - fast)) * (x1 - x0);
    const top = power.reduce((a, b) => Math.max(a, b), 1e-6);
    const line = frequency.map((f, i) => `${i ? "L" : "M"}${toX(1 / f).toFixed(1)},${(y1 - (power[i] / top) * (y1 - y0)).toFixed(1)}`).join("");
    const root = svg("svg", { width, height, role: "img", "aria-label": "Periodogram: power against period" },
      svg("line", { x1: x0, x2: x1, y1, y2: y1, class: "base" }), svg("path", { d: line, class: "power" }),
      svgText(`power ${top.toFixed(2)}`, { x: x1 + 20, y: y0 + 10, class: "unit" }), svgText("days", { x: x1 + 20, y: height - 2, class: "unit" }));
    for (let decade = Math.ceil(fast / Math.LN10); decade <= slow / Math.LN10; decade += 1) {
      root.append(svgText(decade < 0 ? (10 ** decade).toFixed(-decade) : `${10 ** decade}`, { x: toX(10 ** decade), y: height - 2, "text-anchor": "middle" }));
    }
    const at = toX(this.period);
    if (at >= x0 && at <= x1) root.append(svg("line", { x1: at, x2: at, y1: y0 - 4, y2: y1, class: "here" }));
    root.addEventListener("click", (event) => {
      const px = event.clientX - root.getBoundingClientRect().left;
      const close = frequency.map((f, i) => i).filter((i) => Math.abs(toX(1 / frequency[i]) - px) < 6);
      if (close.length) this.set(1 / frequency[close.reduce((a, b) => (power[b] > power[a] ? b : a))]);
    });
    this.plot.replaceChildren(root);
  }
}
