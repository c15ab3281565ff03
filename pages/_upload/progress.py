"""How far some work beside the page is, how long it may take, and a way to stop it."""

from __future__ import annotations

import streamlit as st

from pages import _ui as ui
from pages._turns import words as in_line
from taonet_core.background import Work


@st.fragment(run_every=0.5)
def show_progress(work: Work, doing: str, what: str) -> None:
    """Show how far some work is, how long it may take, and a way to stop it."""
    if not work.running:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        if work.cancelled:
            st.progress(_share(work), "Stopping after the object at hand …")
        elif work.position and not work.done:
            st.progress(0.0, in_line(work.position))
        else:
            st.progress(_share(work), _words(work, doing, what))
        st.button("Cancel", key=f"cancel-{doing}", on_click=work.cancel, disabled=work.cancelled)


def _share(work: Work) -> float:
    return min(work.done / work.total, 1.0) if work.total else 0.0


def _words(work: Work, doing: str, what: str) -> str:
    far = f"{work.done:,} of {work.total:,} {what}" if work.total else f"{work.done:,} {what}"
    words = [f"{doing}: {far}"] + ([ui.plain(work.now, 120)] if work.now else [])
    left = work.seconds_left
    if left is not None and left >= 1:
        words.append(f"about {left:.0f} s left" if left < 90 else f"about {left / 60:.0f} min left")
    return " · ".join(words)
