"""TAO-Net Explorer: run with ``streamlit run app.py``.

Streamlit imports this file once to find the server, `app`, and runs it as a script for every page.
"""

from pathlib import Path

import streamlit as st

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


def show_page() -> None:
    """Show the page that the address names."""
    st.set_page_config(
        page_title="TAO-Net Explorer",
        page_icon=Path(__file__).parent / "pages" / "_icon.svg",
        layout="wide",
        initial_sidebar_state="collapsed",
    )
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


if __name__ == "app":
    from taonet_core.errors import TaoNetError

    try:
        from pages import _server

        server = _server.Server()
    except TaoNetError as error:  # a setting that means nothing
        raise SystemExit(str(error)) from None
    app = st.App(
        __file__,
        lifespan=server.life,
        middleware=server.guards,
        on_script_error=_server.show_fault,
    )
else:
    show_page()
