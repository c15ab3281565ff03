"""The floors and walls of docs/architecture.md hold: who imports whom, read from the source."""

import ast
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# The first pattern that fits decides; a module imports only from its own floor and below.
FLOORS = [
    ("taonet_core.errors", 1),
    ("taonet_core.flags", 1),
    ("taonet_core.faults", 1),
    ("taonet_core.labels", 1),
    ("taonet_core.plain_text", 1),
    ("taonet_core.config", 2),
    ("taonet_core.metrics", 2),
    ("taonet_core.data.sequence", 2),
    ("taonet_core.data.lightcurve", 2),
    ("taonet_core.data.results", 2),
    ("taonet_core.data.*", 3),
    ("taonet_core.simulation.*", 3),
    ("taonet_core.transforms.*", 3),
    ("taonet_core.figures", 3),
    ("taonet_core.links", 3),
    ("taonet_core.provenance", 3),
    ("taonet_core.snippets", 3),
    ("taonet_core.services", 3),
    ("taonet_core.journal*", 3),
    ("taonet_core.report", 3),
    ("taonet_core.drawing.*chart*", 7),
    ("taonet_core.drawing.*", 3),
    ("taonet_core.judging.scores", 3),
    ("taonet_core.judging.*", 7),
    ("taonet_core.objects.verdicts", 6),
    ("taonet_core.objects.*", 7),
    ("taonet_core.api.*", 8),
    ("taonet_core.models.weights", 5),
    ("taonet_core.models.cards", 5),
    ("taonet_core.models.*", 4),
    ("taonet_core.domain", 6),
    ("taonet_core.outputs", 6),
    ("taonet_core.orientation", 6),
    ("taonet_core.explain", 6),
    ("taonet_core.explaining.feature_points", 3),
    ("taonet_core.explaining.feature_table", 3),
    ("taonet_core.explaining.feature_words", 3),
    ("taonet_core.explaining.*", 6),
    ("taonet_core.inference", 6),
    ("taonet_core.train", 6),
    ("taonet_core.recipes", 6),
    ("taonet_core.fit", 6),
    ("taonet_core.learning", 6),
    ("taonet_core.tasks", 6),
    ("taonet_core.finetune", 7),
    ("taonet_core.sandboxing.wire", 2),
    ("taonet_core.sandboxing.*", 3),
    ("taonet_core.sandbox", 3),
    ("taonet_core.background", 2),
    ("taonet_core.serving.*", 2),
    ("taonet_core.stopping", 2),
    ("taonet_core.examples", 7),
    ("taonet_core.bulk", 7),
    ("taonet_core.bulk_table", 7),
    ("taonet_core.evaluate", 7),
    ("taonet_core.calibrate", 7),
    ("taonet_core.benchmark", 7),
    ("taonet_core.console", 8),
    ("taonet_core.cli", 8),
    ("taonet_core.explain_command", 8),
    ("taonet_core.commands", 8),
    ("taonet_core.label_commands", 8),
    ("taonet_core.options", 8),
    ("taonet_core.__main__", 8),
    ("pages._*", 8),
    ("pages.*", 9),
    ("app", 10),
]


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = [ROOT / "app.py", *(ROOT / "taonet_core").rglob("*.py"), *(ROOT / "pages").rglob("*.py")]
MODULES = {module_name(path): path for path in SOURCES if path.exists()}
PACKAGES = {name for name, path in MODULES.items() if path.name == "__init__.py"} - {
    "pages._viewer",
    "pages._matrix",
}


def floor(module):
    return next((level for pattern, level in FLOORS if fnmatch(module, pattern)), None)


def imported(module):
    """Return every module that the source of `module` imports, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module} imports relatively; this project does not"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else node.module for name in names}
    return found


@pytest.mark.parametrize("module", sorted(set(MODULES) - PACKAGES))
def test_imports_run_from_low_floors_to_high(module):
    level = floor(module)
    assert level is not None, f"{module} stands on no floor; give it one here and in the docs"
    upward = {m for m in imported(module) if (floor(m) or 0) > level}
    assert not upward, f"{module} (floor {level}) imports upward: {upward}"


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_packages_import_nothing_of_their_own(package):
    assert not {m for m in imported(package) if m.startswith(("taonet_core", "pages"))}


@pytest.mark.parametrize("page", sorted(m for m in MODULES if floor(m) == 9))
def test_pages_do_not_import_each_other(page):
    assert not {m for m in imported(page) if floor(m) == 9}


def test_no_part_has_the_name_of_a_page():
    """Streamlit gives _x.py the address of x.py until the router has run, and then refuses both."""
    names = [path.stem.lstrip("_") for path in (ROOT / "pages").glob("*.py")]
    assert sorted(names) == sorted(set(names))


def test_streamlit_stays_in_the_app():
    users = {m for m in MODULES if any(i.split(".")[0] == "streamlit" for i in imported(m))}
    assert not {m for m in users if m.startswith("taonet_core")}


def test_torch_stays_above_the_transforms():
    torch = {"torch", "torchvision", "captum"}
    users = {m for m in MODULES if torch & {i.split(".")[0] for i in imported(m)}}
    assert not {m for m in users if (floor(m) or 0) <= 3 or m.startswith(("pages", "app"))}


@pytest.mark.parametrize(
    "modules",
    [
        {"taonet_core", "taonet_core.cli", "taonet_core.console"},
        {m for m in MODULES if m.startswith(("taonet_core.data.", "taonet_core.simulation."))},
    ],
    ids=["command line", "data and simulation"],
)
def test_importing_loads_no_heavy_library(modules):
    script = f"""
import importlib, sys
for name in {sorted(modules)}:
    importlib.import_module(name)
print(*sorted({{"torch", "sklearn", "streamlit", "captum", "skops"}} & set(sys.modules)))
"""
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert run.stdout.split() == []


@pytest.mark.parametrize("module", sorted(set(MODULES) - PACKAGES))
def test_the_picture_of_the_house_shows_every_room(module):
    picture = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    assert re.search(rf"\b{module.rpartition('.')[2]}\b", picture)


def cycle(graph):
    """Return a cycle of a graph, as the modules along it; empty where there is none."""
    done = set()

    def walk(path):
        for below in sorted(graph[path[-1]] - done):
            if below in path:
                return [*path[path.index(below) :], below]
            if found := walk([*path, below]):
                return found
        done.add(path[-1])
        return []

    return next(filter(None, (walk([module]) for module in sorted(graph))), [])


@pytest.mark.parametrize("part", ["taonet_core", "pages"])
def test_imports_run_in_no_circle(part):
    """Floors let modules of one floor import each other; in a circle none can be read alone."""
    inside = {m for m in MODULES if m.split(".")[0] == part} - PACKAGES
    found = cycle({module: imported(module) & inside for module in inside})
    assert not found, " -> ".join(found)


def test_a_circle_is_found():
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == ["b", "c", "b"]
    assert cycle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []
