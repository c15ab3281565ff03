// The gallery: one card an object, thumbnail at peak, sparkline, badges. Text only by textContent.

function node(tag, kind, words = null) {
  const made = document.createElement(tag);
  if (kind) made.className = kind;
  if (words !== null) made.textContent = words;
  return made;
}

/** Grey picture of a card, drawn when it first comes near the screen; first row at the bottom. */
function drawThumbnail(canvas, { image, width, height }) {
  const shades = atob(image);
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(width, height);
  for (let i = 0; i < width * height; i += 1) {
    const [x, row] = [i % width, Math.floor(i / width)];
    const shade = shades.charCodeAt((height - 1 - row) * width + x);
    pixels.data.set([shade, shade, shade, 255], 4 * i);
  }
  context.putImageData(pixels, 0, 0);
}

function drawSparkline(canvas, points, colour) {
  const scale = Math.min(3, window.devicePixelRatio || 1);
  const [width, height] = [canvas.clientWidth || 150, canvas.clientHeight || 30];
  Object.assign(canvas, { width: width * scale, height: height * scale });
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  context.fillStyle = colour;
  for (const [x, y] of points) {
    context.beginPath();
    context.arc(3 + x * (width - 6), height - 3 - y * (height - 6), 1.5, 0, 7);
    context.fill();
  }
}

function badge(name, words, kind, styles) {
  const style = styles[name];
  const made = node("span", `badge ${kind}`);
  made.style.setProperty("--class", style.colour);
  made.style.setProperty("--class-ink", style.ink);
  made.title = style.name;
  made.append(node("span", "glyph", style.glyph), words);
  return made;
}

function makeCard(card, styles, open) {
  const link = node("a", "card");
  link.href = `sequence?object=${encodeURIComponent(card.id)}`;
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return; // the browser opens a tab
    event.preventDefault();
    open(card.id);
  });
  const badges = node("span", "badges");
  if (card.verdict) {
    const { model, version, probability } = card.verdict;
    const made = badge(card.verdict.class, `${card.verdict.class} ${probability.toFixed(2)}`, "filled", styles);
    made.title = `Verdict of ${model} ${version}: ${made.title}`;
    badges.append(made);
  }
  if (card.truth) {
    const made = badge(card.truth, card.truth, "truth", styles);
    made.title = `${card.simulated ? "Truth (simulated)" : "Label in the file"}: ${made.title}`;
    badges.append(made);
  }
  const picture = node("canvas", "picture");
  const spark = node("canvas", "spark");
  link.append(picture, badges, node("span", "name", card.id), spark, node("span", "facts", card.facts));
  link.draw = () => {
    drawThumbnail(picture, card);
    drawSparkline(spark, card.points, getComputedStyle(link).color);
  };
  return link;
}

export default function mount({ parentElement, data, setTriggerValue }) {
  let host = parentElement.querySelector(".gallery-cards");
  if (!host) {
    host = node("div", "gallery-cards");
    parentElement.append(host);
  }
  host.open = (id) => setTriggerValue("open", id);
  if (host.key === data.key) return () => host.watch.disconnect();
  host.key = data.key;
  host.watch?.disconnect();
  host.watch = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      target.draw();
      host.watch.unobserve(target);
    }
  }, { rootMargin: "300px" });
  const cards = data.cards.map((card) => makeCard(card, data.styles, (id) => host.open(id)));
  host.replaceChildren(...cards);
  cards.forEach((card) => host.watch.observe(card));
  return () => host.watch.disconnect();
}
