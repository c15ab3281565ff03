// Zoom and pan, the same for all images of an object: wheel, drag, pinch, double click, keys.

class Zoom {
  constructor(columns, changed) {
    Object.assign(this, { most: Math.max(2, columns / 6), changed, fingers: new Map() });
    this.reset();
  }

  reset() {
    Object.assign(this, { scale: 1, x: 0.5, y: 0.5 });
    this.changed();
  }

  /** Scale by a factor, with the place at a fraction (right, down) of the box standing still. */
  by(factor, right = 0.5, down = 0.5) {
    const before = this.scale;
    this.scale = Math.max(1, Math.min(this.most, before * factor));
    this.move((right - 0.5) * (1 / before - 1 / this.scale), (down - 0.5) * (1 / before - 1 / this.scale));
  }

  /** Move the middle of the view by fractions of the whole image. */
  move(right, down) {
    const margin = 0.5 / this.scale;
    const inside = (value) => Math.max(margin, Math.min(1 - margin, value));
    [this.x, this.y] = [inside(this.x + right), inside(this.y + down)];
    this.changed();
  }

  /** Lay a sheet with the whole image so that its box shows the view. */
  apply(sheet) {
    const percent = (value) => `${(100 * value).toFixed(4)}%`;
    sheet.style.width = percent(this.scale);
    sheet.style.height = percent(this.scale);
    sheet.style.left = percent(0.5 - this.x * this.scale);
    sheet.style.top = percent(0.5 - this.y * this.scale);
  }

  attach(box) {
    const place = ({ clientX, clientY }) => {
      const { left, top, width, height } = box.getBoundingClientRect();
      return [(clientX - left) / width, (clientY - top) / height];
    };
    box.addEventListener("wheel", (event) => {
      // at full view the page scrolls on
      if (event.ctrlKey || (event.deltaY > 0 && this.scale === 1)) return;
      event.preventDefault();
      this.by(Math.exp(-Math.sign(event.deltaY) * Math.min(0.3, Math.abs(event.deltaY) / 300)), ...place(event));
    }, { passive: false });
    box.addEventListener("dblclick", () => this.reset());
    box.addEventListener("pointerdown", (event) => {
      this.fingers.set(event.pointerId, place(event));
      if (this.scale > 1 || this.fingers.size > 1) box.setPointerCapture(event.pointerId);
    });
    box.addEventListener("pointermove", (event) => {
      if (this.fingers.has(event.pointerId)) this.drag(event.pointerId, place(event));
    });
    for (const end of ["pointerup", "pointercancel", "pointerleave"]) {
      box.addEventListener(end, (event) => this.fingers.delete(event.pointerId));
    }
  }

  /** One finger pans, two also scale. */
  drag(finger, to) {
    const from = this.fingers.get(finger);
    const other = [...this.fingers].find(([id]) => id !== finger)?.[1];
    this.fingers.set(finger, to);
    const share = other ? 0.5 : 1;
    if (other) {
      const length = ([x, y]) => Math.max(0.02, Math.hypot(x - other[0], y - other[1]));
      this.by(length(to) / length(from), (to[0] + other[0]) / 2, (to[1] + other[1]) / 2);
    }
    if (this.scale > 1) this.move((share * (from[0] - to[0])) / this.scale, (share * (from[1] - to[1])) / this.scale);
  }
}
