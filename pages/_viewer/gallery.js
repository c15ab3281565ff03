// The gallery: one card an object, picture at peak, light curve, badges. Text only by textContent.

const RETURN = "taonet-gallery"; // which card was opened last, so that coming back finds it

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

/** Light curve, brighter up: one dot a detection, its size independent of the box. */
function lightCurve(points, kind) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", kind);
  svg.setAttribute("viewBox", "-4 -8 108 116");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const dots = document.createElementNS("http://www.w3.org/2000/svg", "path");
  const place = ([x, y]) => `M${(100 * x).toFixed(1)} ${(100 * (1 - y)).toFixed(1)}h0`;
  dots.setAttribute("d", (points ?? []).map(place).join(""));
  svg.append(dots);
  return svg;
}

function picture(card) {
  if (card.image) return node("canvas", "picture");
  const made = node("span", "picture absent");
  if (card.error) {
    made.append(node("strong", "", "cannot be read"), node("span", "reason", card.error));
    made.title = card.error;
  } else {
    made.append(lightCurve(card.points, "curve"), node("span", "reason", "light curve, no images"));
  }
  return made;
}

function badge(name, words, kind, styles, title) {
  const style = styles[name] ?? { name, glyph: "?", colour: "currentColor", ink: "inherit" };
  const made = node("span", `badge ${kind}`);
  made.style.setProperty("--class", style.colour);
  made.style.setProperty("--class-ink", style.ink);
  made.title = `${title}: ${style.name}`;
  made.append(node("span", "glyph", style.glyph), words);
  return made;
}

/** Verdict filled, truth underlined, experts' label outlined; a second model where it disagrees. */
function badges(card, styles) {
  const row = node("span", "badges");
  const verdict = card.verdict ?? card.second; // a light curve without images has the second alone
  const { second } = card;
  if (verdict) {
    const words = `${verdict.class} ${verdict.probability.toFixed(2)}`;
    row.append(badge(verdict.class, words, "filled", styles, `Verdict of ${verdict.model} ${verdict.version}`));
  } else if (!card.error) {
    row.append(node("span", "none", "no verdict"));
  }
  if (card.truth) {
    const title = card.simulated ? "Truth (simulated)" : "Label in the catalogue";
    const truth = badge(card.truth, card.truth, "truth", styles, title);
    if (card.arrow) row.prepend(truth, node("span", "taken", "→")); // truth, taken for verdict
    else row.append(truth);
  }
  if (card.expert) row.append(badge(card.expert, card.expert, "expert", styles, "Label of experts"));
  if (verdict && second && second.class !== verdict.class) {
    const words = `${second.model} ${second.class} ${second.probability.toFixed(2)}`;
    row.append(badge(second.class, words, "filled second", styles, `Verdict of ${second.model} ${second.version}, which disagrees`));
  }
  return row;
}

/** The object that this one was taken for: a small print with its badges. */
function besides(card, styles) {
  const row = node("span", "beside");
  const image = picture(card);
  image.classList.add("small");
  const words = node("span", "");
  words.append(node("span", "facts", "looks like"), badges(card, styles));
  row.append(image, words);
  row.draw = () => card.image && drawThumbnail(image, card);
  return row;
}

function address(id) {
  const query = new URLSearchParams({ object: id });
  const data = new URLSearchParams(window.location.search).get("data");
  if (data) query.set("data", data);
  return `sequence?${query}`;
}

function makeCard(card, styles, open) {
  const link = node("a", "card");
  link.href = address(card.id);
  link.dataset.id = card.id;
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return; // the browser opens a tab
    event.preventDefault();
    sessionStorage.setItem(RETURN, card.id);
    open(card.id);
  });
  const image = picture(card);
  const marks = badges(card, styles);
  const said = [...marks.querySelectorAll(".badge")].map((mark) => `${mark.title} ${mark.lastChild.textContent}`);
  link.setAttribute("aria-label", [card.name, ...said, card.error ?? card.facts].join("; "));
  link.append(image, marks, node("span", "name", card.name));
  link.append(lightCurve(card.image ? card.points : [], "spark"));
  link.append(node("span", "facts", card.facts));
  const beside = card.beside ? besides(card.beside, styles) : null;
  if (beside) link.append(beside);
  link.draw = () => {
    if (card.image) drawThumbnail(image, card);
    beside?.draw();
  };
  return link;
}

/** Arrow keys go from card to card, up and down by what stands above and below. */
function walk(cards, event) {
  const now = cards.indexOf(event.target.closest(".card"));
  if (now < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
  const across = cards.filter((card) => card.offsetTop === cards[0].offsetTop).length;
  const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across, Home: -now, End: cards.length - 1 - now };
  const next = cards[now + (steps[event.key] ?? NaN)];
  if (!(event.key in steps)) return;
  event.preventDefault();
  event.stopPropagation();
  if (next) focusOn(cards, next);
}

/** One card at a time can be reached by the tabulator, the arrows do the rest. */
function focusOn(cards, chosen, options = {}) {
  cards.forEach((card) => { card.tabIndex = card === chosen ? 0 : -1; });
  chosen.focus(options);
}

/** Coming back from an object, show the card that was opened. */
function comeBack(cards) {
  const opened = sessionStorage.getItem(RETURN);
  const card = cards.find(({ dataset }) => dataset.id === opened);
  if (!card) return;
  sessionStorage.removeItem(RETURN);
  requestAnimationFrame(() => {
    card.scrollIntoView({ block: "center" });
    focusOn(cards, card, { preventScroll: true });
  });
}

export default function mount({ parentElement, data, setTriggerValue }) {
  let host = parentElement.querySelector(".gallery-cards");
  if (!host) {
    host = node("ul", "gallery-cards");
    host.setAttribute("aria-label", "Objects; arrow keys move, Enter opens");
    host.addEventListener("keydown", (event) => walk(host.cards, event));
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
  host.cards = data.cards.map((card) => makeCard(card, data.styles, (id) => host.open(id)));
  host.replaceChildren(...host.cards.map((card) => {
    const item = node("li", "");
    item.append(card);
    return item;
  }));
  host.cards.forEach((card, i) => {
    card.tabIndex = i ? -1 : 0;
    host.watch.observe(card);
  });
  comeBack(host.cards);
  return () => host.watch.disconnect();
}
