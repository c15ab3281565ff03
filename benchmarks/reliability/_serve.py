"""The app as ``streamlit run app.py`` starts it, with a window on the memory of its process.

Run by `_app.running_app`. Whoever connects to the socket is told, as one line of JSON, what the
process holds; everything else is as users have it.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import socketserver
import sys
import threading
from pathlib import Path
from typing import Any


class _Heap(ctypes.Structure):
    """``struct mallinfo2`` of the GNU C library."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks"),
            *("uordblks", "fordblks", "keepcost"),
        )
    ]


def held() -> dict[str, Any]:
    """Return what this process holds, after a collection of garbage.

    Returns
    -------
    dict
        ``rss`` (resident bytes as they are), ``kept`` (the same once malloc has returned all pages
        that are free: these come and go by tens of megabytes), ``heap`` (bytes handed out by malloc
        and not given back), ``blocks`` (of Python's own allocator, at most 512 bytes each),
        ``objects`` (that the collector knows), ``threads`` and ``descriptors``.
    """
    gc.collect()
    library = ctypes.CDLL(None)
    library.mallinfo2.restype = _Heap
    heap, rss = library.mallinfo2(), _resident()
    library.malloc_trim(0)
    return {
        "rss": rss,
        "kept": _resident(),
        "heap": heap.uordblks + heap.hblkhd,
        "blocks": sys.getallocatedblocks(),
        "objects": len(gc.get_objects()),
        "threads": threading.active_count(),
        "descriptors": len(os.listdir("/proc/self/fd")),
    }


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


class _Answer(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.sendall(json.dumps(held()).encode())


def main(port: str, window: str, small: str, weights: str) -> None:
    """Serve the app on a port of this machine, and the window on a socket."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    if int(small):
        from pages import _data

        _data.PER_CLASS = 1
    if weights:
        from taonet_core.models import weights as models

        models.WEIGHTS_FOLDER = Path(weights)
    server = socketserver.UnixStreamServer(window, _Answer)
    threading.Thread(target=server.serve_forever, daemon=True, name="window").start()
    from streamlit.web.cli import main as streamlit

    options = {"port": port, "address": "127.0.0.1", "headless": "true"}
    said = [word for name, value in options.items() for word in (f"--server.{name}", value)]
    streamlit(["run", "app.py", *said])


if __name__ == "__main__":
    main(*sys.argv[1:])
