// The filmstrip: one frame a night, below it the leading class and how much the night counts.

class Film {
  constructor(viewer) {
    this.viewer = viewer;
    const { epochs, frames } = viewer.data;
    this.firstOfNight = [];
    epochs.night.forEach((night, i) => {
      const held = this.firstOfNight[night];
      // the night's first usable frame stands for it
      if (held === undefined || (frames.fault[held] && !frames.fault[i])) this.firstOfNight[night] = i;
    });
    this.thumbs = this.firstOfNight.map((i, night) => {
      const parts = { canvas: el("canvas", { "aria-hidden": "true" }), bar: el("span", { class: "bar" }), mark: el("span", { class: "mark" }) };
      const label = `Night ${night + 1}${epochs.utc[i] ? `, ${epochs.utc[i].slice(0, 10)}` : ""}`;
      const node = el("button", { type: "button", class: frames.fault[i] ? "thumb bad" : "thumb", onclick: () => viewer.show(i, true) }, parts.canvas, parts.bar, parts.mark);
      return { node, label, ...parts };
    });
    this.node = el("div", { class: "strip", role: "group", "aria-label": "One frame a night; the mark below is the leading class" }, ...this.thumbs.map((t) => t.node));
  }

  paint() {
    this.thumbs.forEach(({ canvas }, night) => this.viewer.images.paint(canvas, "science", this.firstOfNight[night]));
  }

  /** The leading class of the chosen model, and the share of the evidence, under each night. */
  mark() {
    const { data: { epochs, styles }, model, evidence } = this.viewer;
    this.node.classList.toggle("weighed", evidence.payload !== null);
    this.thumbs.forEach(({ node, label, bar, mark }, night) => {
      const row = model ? model.row_of_epoch[epochs.night.lastIndexOf(night)] : -1;
      const values = row < 0 ? null : model.probabilities[row];
      const best = values && values[0] !== null ? values.indexOf(Math.max(...values)) : -1;
      const style = best < 0 ? null : styles[model.classes[best]];
      mark.textContent = style ? style.glyph : "";
      mark.style.color = style ? style.colour : "";
      const weight = evidence.ofNight(this.readNight(night));
      bar.className = `bar ${weight && evidence.payload.signed && weight.sum < 0 ? "against" : "for"}`;
      bar.style.setProperty("--share", weight ? weight.share / weight.most : 0);
      const said = [label, style ? `leading class ${model.classes[best]}` : "", weight ? evidenceWords(weight, evidence.payload) : ""].filter(Boolean).join("; ");
      node.title = said;
      node.setAttribute("aria-label", said);
    });
  }

  /** Which map of the evidence belongs to a night; -1 where the model read none of its frames. */
  readNight(night) {
    const { data: { epochs }, evidence } = this.viewer;
    return epochs.night.reduce((found, other, i) => (found < 0 && other === night ? evidence.nightOf(i) : found), -1);
  }

  /** Mark the night and scroll the filmstrip, and nothing else, to it. */
  move(night) {
    this.thumbs.forEach(({ node }, i) => node.setAttribute("aria-current", i === night));
    const thumb = this.thumbs[night]?.node;
    if (!thumb) return;
    const left = thumb.offsetLeft - this.node.offsetLeft;
    const right = left + thumb.offsetWidth;
    if (left < this.node.scrollLeft) this.node.scrollLeft = left - 8;
    if (right > this.node.scrollLeft + this.node.clientWidth) this.node.scrollLeft = right - this.node.clientWidth + 8;
  }
}
