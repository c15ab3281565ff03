"""TAO-Net Explorer: run with ``streamlit run app.py``."""

from pathlib import Path

import streamlit as st

st.set_page_config(
    page_title="TAO-Net Explorer",
    page_icon=Path(__file__).parent / "pages" / "_icon.svg",
    layout="wide",
    initial_sidebar_state="collapsed",
)
#: Page -> its icon; the first is the one that opens.
PAGES = {
    "browse": "grid_view",
    "sequence": "timeline",
    "explain": "lightbulb",
    "compare": "compare_arrows",
    "misclassified": "rule",
    "performance": "speed",
    "upload": "upload_file",
}
page = st.navigation(
    [
        st.Page(
            f"pages/{name}.py",
            title=name.capitalize(),
            icon=f":material/{icon}:",
            default=name == "browse",
        )
        for name, icon in PAGES.items()
    ],
    position="top",
)
page.run()
