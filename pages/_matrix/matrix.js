// A table of buttons: one cell a pair of names. Text only by textContent.

function node(tag, kind, words = null) {
  const made = document.createElement(tag);
  if (kind) made.className = kind;
  if (words !== null) made.textContent = words;
  return made;
}

function heading(name, styles, scope) {
  const made = node("th");
  made.scope = scope;
  const style = styles[name];
  if (style) {
    const glyph = node("span", "glyph", style.glyph);
    glyph.style.setProperty("--class", style.colour);
    glyph.setAttribute("aria-hidden", "true");
    made.append(glyph);
    made.title = style.name;
  }
  made.append(node("span", "name", name));
  return made;
}

function button(cell, row, column, same, chosen, choose) {
  const made = node("button", same ? "cell same" : "cell", cell.text);
  made.type = "button";
  made.style.setProperty("--shade", `${Math.round(40 * Math.sqrt(cell.shade))}%`);
  made.setAttribute("aria-label", cell.words);
  made.setAttribute("aria-pressed", String(chosen));
  made.title = cell.words;
  made.tabIndex = -1;
  made.dataset.row = row;
  made.dataset.column = column;
  if (cell.count) made.addEventListener("click", () => choose({ row, column }));
  else made.setAttribute("aria-disabled", "true");
  return made;
}

/** One cell takes the tab key; the arrows move from it. */
function walk(table, across) {
  const cells = [...table.querySelectorAll(".cell")];
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across };
  const first = cells.find((cell) => cell.getAttribute("aria-pressed") === "true") ?? cells[0];
  if (first) first.tabIndex = 0;
  table.addEventListener("keydown", (event) => {
    const here = cells.indexOf(event.target);
    const step = steps[event.key];
    if (here < 0 || step === undefined) return;
    const column = (here % across) + (Math.abs(step) === 1 ? step : 0);
    const there = cells[here + step];
    event.preventDefault();
    if (!there || column < 0 || column >= across) return;
    cells.forEach((cell) => { cell.tabIndex = -1; });
    there.tabIndex = 0;
    there.focus();
  });
}

function draw(data, choose) {
  const table = node("table");
  const head = node("thead");
  const over = node("tr");
  const corner = node("td", "corner");
  const across = node("th", "axis", data.column_words);
  across.colSpan = data.columns.length;
  over.append(corner, across);
  const names = node("tr");
  names.append(node("th", "axis down", data.row_words), ...data.columns.map((name) => heading(name, data.styles, "col")));
  head.append(over, names);
  const body = node("tbody");
  data.cells.forEach((cells, i) => {
    const line = node("tr");
    line.append(heading(data.rows[i], data.styles, "row"));
    cells.forEach((cell, j) => {
      const [row, column] = [data.rows[i], data.columns[j]];
      const chosen = data.chosen?.[0] === row && data.chosen?.[1] === column;
      const place = node("td");
      place.append(button(cell, row, column, row === column, chosen, choose));
      line.append(place);
    });
    body.append(line);
  });
  table.append(head, body);
  walk(table, data.columns.length);
  return table;
}

export default function mount({ parentElement, data, setTriggerValue }) {
  let host = parentElement.querySelector(".matrix");
  if (!host) {
    host = node("div", "matrix");
    parentElement.append(host);
  }
  if (host.key === data.key) return;
  const focused = host.getRootNode().activeElement?.dataset;
  const held = focused?.row ? [focused.row, focused.column] : null;
  host.key = data.key;
  host.replaceChildren(draw(data, (cell) => setTriggerValue("cell", cell)));
  if (!held) return;
  const again = [...host.querySelectorAll(".cell")].find(({ dataset }) => dataset.row === held[0] && dataset.column === held[1]);
  again?.focus({ preventScroll: true });
}
