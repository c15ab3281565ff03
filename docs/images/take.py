"""Take the pictures of the app anew: ``python docs/images/take.py`` (needs Chromium)."""

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from playwright.sync_api import sync_playwright

HERE = Path(__file__).resolve().parent
# file name, page, width, height, colour scheme
PICTURES = (
    ("sequence.png", "sequence", 1440, 830, "light"),
    ("sequence-dark.png", "sequence", 1440, 830, "dark"),
    ("browse.png", "", 1440, 830, "light"),
    ("sequence-narrow.png", "sequence", 390, 844, "dark"),
)
READY = ".viewer .curve svg, .gallery-cards .card"


def main() -> None:
    """Start the app, look at its pages, and stop it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
    options = ["--server.address", "127.0.0.1", "--server.port", str(port)]
    server = subprocess.Popen([*command, *options], cwd=HERE.parents[1])
    try:
        wait_for(f"http://127.0.0.1:{port}/_stcore/health")
        with sync_playwright() as api:
            browser = api.chromium.launch(
                executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
            )
            for name, page, width, height, scheme in PICTURES:
                window = browser.new_page(
                    viewport={"width": width, "height": height}, color_scheme=scheme
                )
                window.goto(f"http://127.0.0.1:{port}/{page}")
                window.locator(READY).first.wait_for(timeout=120_000)
                window.wait_for_timeout(2_000)  # the last widgets fade in
                window.screenshot(path=HERE / name)
                window.close()
            browser.close()
    finally:
        server.terminate()
        server.wait()


def wait_for(url: str) -> None:
    """Wait until a server answers, a minute at most."""
    for _ in range(240):
        try:
            urllib.request.urlopen(url, timeout=1)
            return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.25)
    raise SystemExit(f"{url} does not answer")


if __name__ == "__main__":
    main()
