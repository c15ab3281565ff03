"""What the Misclassified page says of its list, and of an empty one."""

from __future__ import annotations

import streamlit as st

from pages import _ui as ui
from pages._mistakes.errors import DOUBTFUL, WRONG, Found, ask
from pages._ui import Key
from taonet_core.data.selection import Selection
from taonet_core.judging.mistakes import NOVEL_ABOVE, UNSURE_BELOW
from taonet_core.objects.collection import Collection
from taonet_core.plain_text import LONGEST


def summary(found: Found) -> str:
    """Say in words how many errors there are, and of what."""
    n, model = len(found.chosen), found.verdicts.model
    if found.kind == DOUBTFUL:
        doubts = f"{n} of {len(found.errors)} doubtful verdicts" if n else "No doubtful verdict"
        return f"{doubts} of {model} among objects without a label"
    known = int(found.verdicts.known.sum())
    share = f"{len(found.errors)} wrong verdicts of {model} among {known} labelled objects"
    return share if n == len(found.errors) else f"{n} of {share}"


def explain_kind(found: Found) -> None:
    """Say what doubtful verdicts are, where there is no label to hold them against."""
    if found.kind == DOUBTFUL:
        st.caption(
            "There is no label to hold these verdicts against. Shown are those of which the "
            f"classifiers disagree, of which no class reaches {UNSURE_BELOW:.0%}, or whose object "
            f"is novel: less like known objects than {NOVEL_ABOVE:.0f} % of these are."
        )


def nothing(found: Found, selection: Selection) -> None:
    """Say why the gallery is empty, and what to do."""
    if found.errors.empty:
        st.subheader("Nothing to look at", anchor=False)
        st.text(
            "Every label agrees with its verdict."
            if found.kind == WRONG
            else "The models agree on every object, with some certainty, and none is novel."
        )
    elif len(selection.truths) == 1 and selection.truths == selection.verdicts:
        st.subheader("These verdicts are right", anchor=False)
        st.text(f"Objects of class {selection.truths[0]} with that verdict stand in Browse.")
    else:
        st.subheader("No error fits", anchor=False)
        st.button("Clear all filters", on_click=ask, args=(selection.cleared(),))
    st.page_link(
        "pages/browse.py",
        label="See them in Browse",
        icon=":material/grid_view:",
        query_params={**selection.to_query(), **_held()},
    )


def not_an_error(collection: Collection, found: Found, object_id: str) -> None:
    """Say that the object of the address is none of the errors."""
    known = object_id in collection.stamps
    st.title("No error" if known else "Not found", anchor=False)
    name = ui.plain(object_id, LONGEST)
    if known:
        st.info(f"{name} is not among what {ui.plain(found.verdicts.model)} gets wrong here.")
        values = {str(Key.OBJECT): object_id, **_held()}
        st.page_link("pages/sequence.py", label="Open the object", query_params=values)
    else:
        st.error(f"There is no object named {name} here.")
    st.page_link("pages/misclassified.py", label="All errors", query_params=_held())


def _held() -> dict[str, str]:
    """Return the data set in the address, for links to other pages."""
    held = st.query_params.get(Key.DATA)
    return {str(Key.DATA): held} if held else {}
