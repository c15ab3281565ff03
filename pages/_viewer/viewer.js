// The epoch viewer: frames, light curve and probabilities of one object under one cursor.

class Viewer {
  constructor(host, data, { notify, turn }) {
    Object.assign(this, { host, data, notify, epoch: data.epochs.peak, images: null, film: null, told: [] });
    this.model = data.models.find((m) => m.model === chosen.model) ?? data.models[0] ?? null;
    const { frames } = data;
    this.layout = frames && displayOrder(frames.width, frames.height, frames.sky);
    this.evidence = new Evidence(this);
    this.verdicts = new Verdicts(this);
    if (frames) [this.film, this.images] = [new Film(this), new Images(this)];
    [this.player, this.curve, this.classes] = [new Player(this), new CurvePanel(this), new ClassPanel(this)];
    const pictures = [this.images, this.player, this.film].filter(Boolean).map((part) => part.node);
    this.charts = el("div", { class: "column charts" }, this.curve.node, this.classes.node);
    const columns = [el("div", { class: "column pictures" }, ...pictures), this.charts];
    this.stage = el("div", { class: frames ? "stage" : "stage plain" }, ...(frames ? columns : columns.reverse()));
    host.replaceChildren(subjectLine(data, turn), this.verdicts.node, this.stage);
    // a click leaves the keyboard with the viewer, so that space plays and does not press the button again
    host.tabIndex = -1;
    host.onmousedown = (event) => {
      if (!event.target.closest("button, svg")) return;
      event.preventDefault();
      host.focus({ preventScroll: true });
    };
    this.images?.shade();
    this.images?.zoom.reset();
    this.resize = new ResizeObserver(() => { this.order(); this.drawCharts(); });
    this.onresize = () => this.fit();
    window.addEventListener("resize", this.onresize);
    for (const plot of host.querySelectorAll(".plot")) this.resize.observe(plot);
    this.drawCharts();
    this.fit();
  }

  destroy() {
    this.player.destroy();
    if (this.player.blinking !== null) this.player.blink();
    this.resize.disconnect();
    window.removeEventListener("resize", this.onresize);
    clearTimeout(this.pending);
  }

  /** Make the images no larger than lets images, player and charts stand on one screen. */
  fit() {
    this.stage.style.removeProperty("--pictures");
    if (!this.images || this.host.clientWidth <= 760) return;
    const stage = this.stage.getBoundingClientRect();
    const above = stage.top - this.host.getBoundingClientRect().top;
    const top = topOf(this.host);
    // a viewer far down the page is scrolled to the top
    const start = above + (top < 0.4 * window.innerHeight ? top : 70);
    let width = this.images.box.offsetWidth;
    const least = 0.6 * width;
    for (let round = 0; round < 4 && width > least; round += 1) { // narrower, a line may wrap
      const over = start + this.film.node.getBoundingClientRect().bottom - stage.top + 26 - window.innerHeight;
      if (over <= 0) return;
      width = Math.max(least, width - 1.5 * over * (this.layout.columns / this.layout.rows));
      this.stage.style.setProperty("--pictures", `${Math.floor(width)}px`);
    }
  }

  /** In one column the probabilities come first; for the keyboard too. */
  order() {
    const first = this.host.clientWidth <= 760 && this.images ? this.classes : this.curve;
    if (this.charts.firstChild !== first.node) this.charts.prepend(first.node);
  }

  pickModel(name) {
    chosen.model = name;
    this.model = this.data.models.find((m) => m.model === name);
    this.verdicts.pick();
    this.classes.draw();
    this.film?.mark();
  }

  drawCharts() {
    this.axis = timeAxis(this.data.epochs, chosen.axis);
    this.curve.draw();
    this.classes.draw();
    this.film?.mark();
    this.show(this.epoch);
  }

  /** Another overlay, or other looks of it. */
  drawEvidence() {
    this.film?.mark();
    this.curve.drawEvidence();
    this.images?.draw();
  }

  /** Make an epoch the current one, everywhere. */
  show(epoch, byHand = false) {
    if (byHand) this.player.stop();
    const moved = epoch !== this.epoch;
    this.epoch = epoch;
    this.images?.draw();
    this.player.move(epoch);
    this.curve.move(epoch);
    this.classes.move(epoch);
    this.film?.move(this.data.epochs.night[epoch]);
    if (moved) this.tell();
  }

  /** Show a night, counted from 1, by the frame that stands for it; the peak where there is no such night. */
  showNight(night) {
    const { epochs } = this.data;
    const first = this.film ? this.film.firstOfNight[night - 1] : epochs.night.indexOf(night - 1);
    this.show(first >= 0 ? first : epochs.peak);
  }

  /** Whether Python only echoes what it was told, maybe long ago; if so, wait for no older echo. */
  echoed(night) {
    const place = this.told.indexOf(night);
    this.told.splice(0, place + 1);
    return place >= 0;
  }

  /** Tell Python the night once the cursor has rested, for the link in the address bar. */
  tell() {
    clearTimeout(this.pending);
    this.pending = setTimeout(() => {
      if (this.player.playing !== null) return;
      const night = this.data.epochs.night[this.epoch] + 1;
      this.told = [...this.told.slice(-50), night];
      this.notify(night);
    }, 500);
  }
}

/** Where an element stands on its page, however far that is scrolled. */
function topOf(node) {
  let top = node.getBoundingClientRect().top;
  for (let up = node; up; up = up.parentNode ?? up.host) top += up.scrollTop || 0;
  return top;
}

export default function mount({ parentElement, data, setStateValue, setTriggerValue }) {
  const { payload, night, turning, overlay } = data;
  let host = parentElement.querySelector(".viewer");
  if (!host) {
    host = el("div", { class: "viewer" });
    parentElement.append(host);
  }
  // with the object, so that the same night of another object is a change too
  host.notify = (chosenNight) => setStateValue("night", { object: payload.key, night: chosenNight });
  host.turn = (by) => setTriggerValue("turn", by);
  // a rerun of the page brings the same object again: keep what is shown
  if (host.viewer?.data.key !== payload.key) {
    host.viewer?.destroy();
    host.viewer = new Viewer(host, payload, { notify: (at) => host.notify(at), turn: turning ? (by) => host.turn(by) : null });
    host.viewer.showNight(night ?? 0);
    clearTimeout(host.viewer.pending);
  } else if (night && night !== host.night && !host.viewer.echoed(night)) {
    host.viewer.showNight(night); // the page itself asks for another night
  }
  host.night = night;
  const { viewer } = host;
  if ((overlay?.key ?? null) !== (viewer.evidence.payload?.key ?? null)) viewer.evidence.set(overlay ?? null);
  if (JSON.stringify(payload.expert) !== JSON.stringify(viewer.data.expert)) {
    viewer.data.expert = payload.expert;
    viewer.verdicts.judge(payload.expert);
  }
  return () => { host.viewer?.destroy(); host.viewer = null; };
}
