// What is said of the object: name and place, verdicts of the models, labels of catalogue and expert.

const VERDICT_HINT = "Filled: the class a model gives, with its probability after the last night. Outlined: what an expert says. Underlined: the label in the catalogue.";
const TRUST_SET = "Classes the model cannot rule out: of the objects of every class, nine in ten have theirs in the set.";
const TRUST_NOVELTY = "Share of known objects, read on as many nights, that look less strange than this one. Above 90 % the object lies at the edge of the training, above 99 % it is unlike it; a low share does not make the class right.";
const [EDGE, NOVEL] = [90, 99]; // NOVEL as in taonet_core.domain

function subjectLine({ object }, turn) {
  const places = object.coordinates.map(({ label, symbols, text }) =>
    el("span", { title: label, class: "number" }, `${symbols} ${text}`.trim()));
  const copied = el("span", { class: "quiet", role: "status" });
  const copy = places.length ? button("Copy the coordinates", "copy", () => {
    navigator.clipboard?.writeText(object.coordinates[0].text);
    copied.textContent = "copied";
    setTimeout(() => { copied.textContent = ""; }, 1500);
  }) : null;
  return el("header", { class: "subject" },
    el("h2", {}, object.name),
    object.simulated ? el("span", { class: "tag", title: "Drawn by the simulator; not a real object" }, "simulated") : null,
    places.length ? null : el("span", { class: "quiet" }, "no coordinates in the file"), ...places, copy, copied,
    turn ? el("span", { class: "turn" }, button("Previous object", "back", () => turn(-1)), button("Next object", "forth", () => turn(1))) : null);
}

/** Every opinion is a different kind of badge: model filled, expert outlined, catalogue underlined. */
class Verdicts {
  constructor(viewer) {
    this.viewer = viewer;
    const { models, object, styles } = viewer.data;
    const line = el("div", { class: "verdicts" }, ...models.map((m) => this.verdict(m, models[0])));
    if (!models.length) line.append(el("span", { class: "quiet" }, object.hidden ? "Verdicts are hidden until you give a label." : "No verdict: no classifier could read this object."));
    if (object.truth) {
      line.append(el("span", { class: "verdict" }, badge(styles, object.truth, object.truth, "truth"),
        el("span", { class: "who" }, object.simulated ? "truth (simulated)" : "label in the catalogue")));
    }
    this.expert = el("span", { class: "verdict expert" });
    line.append(this.expert, hint(VERDICT_HINT));
    this.trust = el("p", { class: "trust" });
    const warnings = [...new Set(models.flatMap((m) => m.warnings))];
    const caution = warnings.length
      ? el("p", { class: "caution", title: warnings.join("\n") }, warnings[0], warnings.length > 1 ? ` (and ${warnings.length - 1} more below)` : "") : null;
    const trusted = models.some((m) => m.set || m.novelty !== null) ? this.trust : null;
    this.node = el("div", { class: "opinions" }, line, el("div", { class: "provisos" }, trusted, caution));
    this.judge(viewer.data.expert);
    this.pick();
  }

  verdict(model, lead) {
    const agrees = model.class === lead.class;
    const opinion = model === lead ? null : el("span", { class: agrees ? "quiet" : "differ" }, agrees ? "agrees" : "≠ disagrees");
    const nights = model !== lead && model.nights === lead.nights && model.band === lead.band ? "" : ` · ${model.nights} ${model.nights === 1 ? "night" : "nights"}${model.band ? ` in ${model.band}` : ""}`;
    const about = `${model.model} ${model.version}${nights}`;
    return el("button", {
      type: "button", class: "verdict", "data-model": model.model, title: `Show the probabilities of ${model.model} ${model.version}`,
      onclick: () => this.viewer.pickModel(model.model),
    }, badge(this.viewer.data.styles, model.class, `${model.class} ${model.probability.toFixed(2)}`, "filled"), el("span", { class: "who number" }, about), opinion);
  }

  /** What an expert says, which may come or change while the object is open. */
  judge(expert) {
    const { styles } = this.viewer.data;
    this.expert.hidden = !expert;
    if (!expert) return;
    const said = styles[expert.class] ? badge(styles, expert.class, expert.class, "expert") : el("span", { class: "badge expert" }, expert.class);
    const who = ["expert", expert.author, expert.when?.slice(0, 10)].filter(Boolean).join(" · ");
    this.expert.replaceChildren(said, el("span", { class: "who number" }, who));
  }

  /** How far the chosen model may be trusted with this object. */
  pick() {
    const { model } = this.viewer;
    const parts = [];
    const last = model?.set?.[model.set.length - 1];
    const item = (kind, words, why) => el("span", { class: kind }, words, hint(why));
    if (last) parts.push(item("set", `${model.model}: set {${last.join(", ")}} at 90 %`, TRUST_SET));
    if (model && model.novelty !== null) {
      const strange = model.novelty > NOVEL;
      // where the data are of another kind than the training, a low novelty is no praise
      const known = model.warnings.length ? "not trained for such data" : `${model.novelty > EDGE ? "at the edge of" : "like"} its training`;
      const words = `${strange ? "unlike its training" : known}: novelty ${model.novelty.toFixed(strange ? 1 : 0)} %`;
      parts.push(item(strange ? "novelty differ" : "novelty", words, TRUST_NOVELTY));
    }
    this.trust.replaceChildren(...parts);
  }
}
