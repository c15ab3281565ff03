"""TAO-Net Explorer: run with ``streamlit run app.py``."""

from pathlib import Path

import streamlit as st

st.set_page_config(
    page_title="TAO-Net Explorer",
    page_icon=Path(__file__).parent / "pages" / "_icon.svg",
    layout="wide",
    initial_sidebar_state="collapsed",
)
page = st.navigation(
    [
        st.Page("pages/browse.py", title="Browse", icon=":material/grid_view:", default=True),
        st.Page("pages/sequence.py", title="Sequence", icon=":material/timeline:"),
        st.Page("pages/upload.py", title="Upload", icon=":material/upload_file:"),
    ],
    position="top",
)
page.run()
