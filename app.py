"""TAO-Net Explorer: run with ``streamlit run app.py``."""

import streamlit as st

st.set_page_config(
    page_title="TAO-Net Explorer",
    page_icon=":material/flare:",
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
