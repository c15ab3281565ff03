"""TAO-Net Explorer: run with ``streamlit run app.py``."""

from pathlib import Path

import streamlit as st

HERE = Path(__file__).parent

st.set_page_config(
    page_title="TAO-Net Explorer",
    page_icon=HERE / "pages" / "_icon.svg",
    layout="wide",
    initial_sidebar_state="collapsed",
)
PAGES = [
    st.Page(f"pages/{name}.py", title=name.capitalize(), icon=f":material/{icon}:", default=first)
    for name, icon, first in (
        ("browse", "grid_view", True),
        ("sequence", "timeline", False),
        ("explain", "lightbulb", False),
        ("compare", "compare_arrows", False),
        ("misclassified", "rule", False),
        ("performance", "speed", False),
        ("upload", "upload_file", False),
    )
    if (HERE / "pages" / f"{name}.py").exists()
]
st.navigation(PAGES, position="top").run()
