"""No file that this product reads can run code: nothing in it unpickles, or could.

Python's own process pools and Streamlit's cache send objects between our own processes, or keep
them in memory, by pickle; no file and no byte of a user's goes that way.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted(
    [ROOT / "app.py"]
    + [
        p
        for folder in ("taonet_core", "pages", "benchmarks")
        for p in (ROOT / folder).rglob("*.py")
    ]
)
#: Modules that run code from what they read.
MODULES = {"pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
#: Functions that do, by the end of their dotted names.
CALLS = (
    "torch.load",
    "torch.save",
    "yaml.load",
    "yaml.unsafe_load",
    "read_pickle",
    "to_pickle",
    "eval",
    "exec",
)


def dotted(node):
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def imports(node):
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def findings(source):
    """Return what in a source unpickles, or runs text."""
    found = []
    for node in ast.walk(ast.parse(source)):
        for name in imports(node):
            if name.split(".")[0] in MODULES or name in CALLS:
                found.append(f"imports {name}")
        if isinstance(node, ast.Call):
            called = dotted(node.func)
            if any(
                called == name or ("." in name and called.endswith(f".{name}")) for name in CALLS
            ):
                found.append(f"calls {called}")
            found += [
                f"{called} may unpickle"
                for word in node.keywords
                if word.arg in ("allow_pickle", "weights_only")
                and getattr(word.value, "value", None) is not (word.arg == "weights_only")
            ]
        if isinstance(node, ast.Attribute) and node.attr in ("read_pickle", "to_pickle"):
            found.append(node.attr)
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nothing_unpickles(path):
    assert findings(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "import torch\ntorch.load('a')",
        "from torch import load, save",
        "import numpy as np\nnp.load('a', allow_pickle=True)",
        "import yaml\nyaml.load('a')",
        "import pandas as pd\npd.read_pickle('a')",
        "exec('a')",
    ],
)
def test_the_search_finds_what_it_is_for(source):
    assert findings(source)


def test_no_weights_are_of_a_kind_that_unpickles():
    kinds = {path.suffix for path in (ROOT / "weights").iterdir()}
    assert kinds == {".json", ".md", ".safetensors", ".skops"}
