// Pixels: decoding, stretch, colour maps, painting. No DOM beyond the canvas handed in.

const STRETCHES = {
  asinh: (t) => Math.asinh(3 * t) / Math.asinh(3),
  linear: (t) => t,
  log: (t) => Math.log1p(1000 * t) / Math.log(1001),
  sqrt: Math.sqrt,
};

// Stops of each map, dark to bright, evenly spaced; viridis, magma and cividis as in matplotlib.
const COLOUR_MAPS = {
  grey: ["000000", "ffffff"],
  "grey, inverted": ["ffffff", "000000"],
  viridis: ["440154", "482878", "3e4989", "31688e", "26828e", "1f9e89", "35b779", "6ece58",
    "b5de2b", "fde725"],
  magma: ["000004", "180f3d", "440f76", "721f81", "9e2f7f", "cd4071", "f1605d", "fd9668",
    "feca8d", "fcfdbf"],
  cividis: ["00224e", "123570", "3b496c", "575d6d", "707173", "8a8678", "a59c74", "c3b369",
    "e1cc55", "fee838"],
};

const SHADES = 1024;

function decodeFloats(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i += 1) bytes[i] = binary.charCodeAt(i);
  return new Float32Array(bytes.buffer);
}

/** Colour of every shade, as little-endian RGBA; `signed` mirrors the stretch about the middle. */
function shadeTable(stretch, map, signed) {
  const curve = STRETCHES[stretch];
  const stops = COLOUR_MAPS[map].map((hex) => [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16)));
  const table = new Uint32Array(SHADES);
  for (let i = 0; i < SHADES; i += 1) {
    const t = i / (SHADES - 1);
    const s = signed ? 0.5 + 0.5 * Math.sign(t - 0.5) * curve(Math.abs(2 * t - 1)) : curve(t);
    const place = Math.min(s, 0.999999) * (stops.length - 1);
    const k = Math.floor(place);
    const [r, g, b] = stops[k].map((c, j) => Math.round(c + (place - k) * (stops[k + 1][j] - c)));
    table[i] = (0xff000000 | (b << 16) | (g << 8) | r) >>> 0;
  }
  return table;
}

/** For every pixel on screen, row by row from the top, its index in the data (first row at the bottom). */
function displayOrder(width, height, sky) {
  const [columns, rows] = sky.transpose ? [height, width] : [width, height];
  const order = new Int32Array(width * height);
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const [x, y] = toData(column, rows - 1 - row, columns, rows, sky);
      order[row * columns + column] = y * width + x;
    }
  }
  return { order, columns, rows };
}

/** Data pixel shown at (right, up) of the displayed image. */
function toData(right, up, columns, rows, sky) {
  const a = sky.flip_x ? columns - 1 - right : right;
  const b = sky.flip_y ? rows - 1 - up : up;
  return sky.transpose ? [b, a] : [a, b];
}

/** Where a data pixel lies on the displayed image, (right, up). */
function toDisplay(x, y, columns, rows, sky) {
  const [a, b] = sky.transpose ? [y, x] : [x, y];
  return [sky.flip_x ? columns - 1 - a : a, sky.flip_y ? rows - 1 - b : b];
}

/** Paint one image, its values less a level; pixels without data stay transparent. */
function paint(canvas, layout, values, level, low, high, shades) {
  const { order, columns, rows } = layout;
  if (canvas.width !== columns || canvas.height !== rows) Object.assign(canvas, { width: columns, height: rows });
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, rows);
  const out = new Uint32Array(image.data.buffer);
  const gain = (SHADES - 1) / (high - low);
  for (let i = 0; i < out.length; i += 1) {
    const shade = (values[order[i]] - level - low) * gain;
    if (Number.isFinite(shade)) out[i] = shades[Math.max(0, Math.min(SHADES - 1, Math.round(shade)))];
  }
  context.putImageData(image, 0, 0);
}

/** Position (ICRS degrees) of a data pixel, by the tangent plane about the middle of the frame. */
function pixelToSky(x, y, plate) {
  const [dx, dy] = [x - plate.x0, y - plate.y0];
  const [xi, eta] = plate.jacobian.map(([right, up]) => ((right * dx + up * dy) * Math.PI) / 648000);
  const dec0 = (plate.dec0 * Math.PI) / 180;
  const down = Math.cos(dec0) - eta * Math.sin(dec0);
  const ra = plate.ra0 + (Math.atan2(xi, down) * 180) / Math.PI;
  const dec = Math.atan2(Math.sin(dec0) + eta * Math.cos(dec0), Math.hypot(xi, down));
  return [(ra + 360) % 360, (dec * 180) / Math.PI];
}
