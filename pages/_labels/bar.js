// Keys of the label bar that Streamlit's buttons cannot have: n writes a note, Enter and Esc leave it.

export default function mount({ data }) {
  const note = () => document.querySelector(data.note);
  const onkey = (event) => {
    const target = event.composedPath()[0];
    if (target === note()) {
      // once Enter has reached Streamlit, the keyboard belongs to the classes again
      if (["Enter", "Escape"].includes(event.key)) setTimeout(() => target.blur());
      return;
    }
    if (event.key !== "n" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (target.closest?.("input, textarea, select, [contenteditable]") || !note()) return;
    event.preventDefault();
    note().focus();
  };
  document.addEventListener("keydown", onkey);
  return () => document.removeEventListener("keydown", onkey);
}
