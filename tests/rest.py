"""A live server of the REST API, and what asks it: shared by ``test_server*.py``."""

from __future__ import annotations

import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
import uvicorn

from taonet_core.api.server import PREFIX, application
from taonet_core.labels import SIX_CLASSES
from taonet_core.models.taonet import TAONet, TAONetConfig
from taonet_core.models.weights import ModelBundle, save_model
from taonet_core.objects.collection import Collection
from taonet_core.transforms.preprocess import PreprocessConfig


def small_network(folder: Path) -> Path:
    """Save a small untrained network under the name of the default model."""
    torch.manual_seed(0)
    config = TAONetConfig(widths=(4, 4, 4, 4), embedding=8, hidden=8)
    of = ("taonet", "0.0", "taonet", SIX_CLASSES, TAONet(config).eval(), config)
    save_model(ModelBundle(*of, PreprocessConfig(), {}), folder)
    return folder


@contextmanager
def served(objects: Collection, **settings) -> Iterator[str]:
    """Serve objects on a free port of this machine, and give the address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = uvicorn.Config(application(objects, **settings), port=port, log_level="critical")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    yield f"http://127.0.0.1:{port}{PREFIX}"
    server.should_exit = server.force_exit = True
    thread.join()


def ask(address: str, data: bytes | None = None, **headers: str) -> tuple:
    """Return status, headers and body."""
    request = urllib.request.Request(
        address, data, {k.replace("_", "-"): v for k, v in headers.items()}
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def get(address: str):
    """Return what a good answer holds."""
    status, _, body = ask(address)
    assert status == 200, body
    return json.loads(body)


def refusal(answer: tuple) -> tuple[int, str]:
    """Return status and code of an error, which comes with a sentence."""
    status, _, body = answer
    error = json.loads(body)["error"]
    assert len(error["message"]) > 15 and "Traceback" not in error["message"]
    return status, error["code"]
