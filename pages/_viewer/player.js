// Stepping through the epochs: buttons, slider, playing, blinking, keys.

const SPEEDS = { "½×": 360, "1×": 180, "2×": 90, "4×": 45 }; // milliseconds an epoch
const KEYS = [
  ["← →", "previous and next epoch"], ["Home End", "first and last epoch"], ["space", "play, pause"],
  ["b", "blink science against reference"], ["e", "evidence on and off"],
  ["+ − 0", "zoom in, zoom out, whole frame"],
  ["1–6 u n", "label, where there is a bar for it"], ["?", "this list"],
];
// Where keys mean something else: fields, menus, tables, pop-ups.
const OCCUPIED = "input:not([type=checkbox]), textarea, select, dialog[open], [contenteditable=true], [role=dialog], [role=listbox], [role=grid], [role=tab], [role=slider], [role=radio]";

class Player {
  constructor(viewer) {
    Object.assign(this, { viewer, playing: null, blinking: null });
    const { epochs, frames } = viewer.data;
    this.last = epochs.mjd.length - 1;
    this.slider = el("input", { type: "range", min: 0, max: this.last, step: 1, value: 0, "aria-label": "epoch", disabled: !this.last });
    this.slider.addEventListener("input", () => viewer.show(Number(this.slider.value), true));
    this.playButton = button("Play (space)", "play", () => this.play());
    this.blinkButton = el("button", { type: "button", class: "blink", "aria-pressed": "false", title: "Blink science against reference (b)", onclick: () => this.blink() }, "blink");
    this.now = el("p", { class: "now number", "aria-live": "polite" });
    this.help = this.helpBox();
    this.node = el("div", { class: "player" },
      el("div", { class: "row", role: "group", "aria-label": "Player" },
        button("Previous epoch (←)", "previous", () => this.step(-1)), this.playButton,
        button("Next epoch (→)", "next", () => this.step(1)), this.slider,
        select("Speed", Object.keys(SPEEDS), "speed", () => { if (this.playing !== null) { this.stop(); this.play(); } }),
        frames ? this.blinkButton : null,
        el("button", { type: "button", class: "help", title: "List the keys (?)", "aria-label": "List the keys", onclick: () => this.help.showModal() }, "?")), this.now, this.help);
    this.onkey = (event) => this.key(event);
    document.addEventListener("keydown", this.onkey);
  }

  helpBox() {
    const rows = KEYS.flatMap(([keys, words]) => [el("dt", {}, ...keys.split(" ").map((key) => el("kbd", {}, key))), el("dd", {}, words)]);
    const box = el("dialog", { class: "keys", "aria-label": "Keys" }, el("h3", {}, "Keys"), el("dl", {}, ...rows),
      el("button", { type: "button", onclick: () => box.close() }, "close"));
    box.addEventListener("click", (event) => { if (event.target === box) box.close(); });
    return box;
  }

  destroy() {
    this.stop();
    document.removeEventListener("keydown", this.onkey);
  }

  move(epoch) {
    this.slider.value = epoch;
    this.slider.style.setProperty("--done", `${(100 * epoch) / Math.max(1, this.last)}%`);
    this.now.replaceChildren(...this.words(epoch).map(([kind, words]) => el("span", { class: kind }, words)));
    this.slider.setAttribute("aria-valuetext", this.now.textContent);
  }

  words(i) {
    const { epochs, curve, frames } = this.viewer.data;
    const parts = [["lead", epochs.dated ? `night ${epochs.night[i] + 1} of ${epochs.nights}` : ""],
      ["", `${frames ? "frame" : "point"} ${i + 1} of ${epochs.mjd.length}`]];
    if (epochs.dated) parts.push(["", `MJD ${epochs.mjd[i].toFixed(5)}`], ["utc", `${epochs.utc[i]} UTC`]);
    else parts.push(["", "no times in the file"]);
    parts.push(["", epochs.band[i]], ["lead", curve ? brightness(this.viewer.data, i) : ""]);
    return parts.filter(([, words]) => words);
  }

  step(by) {
    const count = this.last + 1;
    this.viewer.show((this.viewer.epoch + by + count) % count, true);
  }

  play() {
    if (this.playing !== null) { this.stop(); return; }
    if (!this.last) return;
    this.playing = setInterval(() => this.viewer.show((this.viewer.epoch + 1) % (this.last + 1)), SPEEDS[chosen.speed]);
    this.buttons();
  }

  /** Stop playing, and tell where. */
  stop() {
    if (this.playing === null) return;
    clearInterval(this.playing);
    this.playing = null;
    this.viewer.tell();
    this.buttons();
  }

  blink() {
    const { images } = this.viewer;
    if (!images) return;
    if (this.blinking === null) {
      this.blinking = setInterval(() => { images.blinked = !images.blinked; images.draw(); }, CALM ? 1500 : 500);
    } else {
      clearInterval(this.blinking);
      this.blinking = null;
    }
    images.blinked = this.blinking !== null;
    images.draw();
    this.buttons();
  }

  buttons() {
    const playing = this.playing !== null;
    const label = playing ? "Pause (space)" : "Play (space)";
    this.playButton.replaceChildren(icon(playing ? "pause" : "play"));
    this.playButton.setAttribute("aria-label", label);
    this.playButton.title = label;
    this.now.setAttribute("aria-live", playing ? "off" : "polite");
    this.blinkButton.setAttribute("aria-pressed", this.blinking !== null);
  }

  key(event) {
    const from = event.composedPath()[0];
    const elsewhere = from.closest?.(OCCUPIED);
    if (event.ctrlKey || event.metaKey || event.altKey || (elsewhere && elsewhere !== this.slider)) return;
    const { images, evidence } = this.viewer;
    const zoom = (factor) => images && (() => images.zoom.by(factor));
    const action = {
      ArrowLeft: () => this.step(-1), ArrowRight: () => this.step(1),
      Home: () => this.viewer.show(0, true), End: () => this.viewer.show(this.last, true),
      " ": from.closest?.("button, a, label, summary") ? null : () => this.play(),
      b: () => this.blink(), e: () => evidence.toggle(), "?": () => this.help.showModal(),
      "+": zoom(1.5), "=": zoom(1.5), "-": zoom(1 / 1.5), 0: images && (() => images.zoom.reset()),
    }[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }
}
