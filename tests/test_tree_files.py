"""Trees come back as they were, the same trees as the same bytes, and forged ones not at all."""

import hashlib
import io
import json
import os
import subprocess
import sys
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pytest
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from taonet_core.errors import Code, IncompatibleWeightsError
from taonet_core.models import tree_files
from taonet_core.models.tree_files import meaning_of, pack_trees, unpack_trees

ROWS = np.random.default_rng(0).normal(size=(60, 3))
CLASSES = np.arange(60) % 3


def forest():
    trees = RandomForestClassifier(3, random_state=1)
    return Pipeline([("scale", StandardScaler()), ("forest", trees)]).fit(ROWS, CLASSES)


def boosting():
    boosted = HistGradientBoostingClassifier(max_iter=2, min_samples_leaf=5, random_state=1)
    voters = [("boosted", boosted), ("randomised", ExtraTreesClassifier(3, random_state=1))]
    model = Pipeline([("vote", VotingClassifier(voters, voting="soft"))]).fit(ROWS, CLASSES)
    del model[-1].named_estimators_  # as train_boosting does
    return model


@pytest.mark.parametrize("make", [forest, boosting])
def test_trees_come_back_as_they_were(make):
    model = make()
    blob = pack_trees(model, "what they are")
    assert meaning_of(blob) == "what they are"
    found = unpack_trees(blob, "a.skops")
    assert np.array_equal(found.predict_proba(ROWS), model.predict_proba(ROWS))


def test_the_same_trees_are_the_same_bytes_in_every_process():
    code = (
        "import hashlib, sys; junk = [object() for _ in range(int(sys.argv[1]))]\n"
        "from test_tree_files import *\n"
        "print(hashlib.sha256(pack_trees(boosting(), '')).hexdigest())"
    )
    job = [sys.executable, "-c", code, "9999"]
    where = {**os.environ, "PYTHONPATH": ":".join(filter(None, sys.path))}
    run = subprocess.run(job, capture_output=True, text=True, check=True, env=where)
    assert run.stdout.strip() == hashlib.sha256(pack_trees(boosting(), "")).hexdigest()


def rewritten(blob, change):
    """Return an archive whose members went through `change`, a function of name and content."""
    source, out = ZipFile(io.BytesIO(blob)), io.BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, change(name, source.read(name)))
    return out.getvalue()


def forged(field, value):
    """Return a change of one field of the first node of every tree."""

    def change(name, content):
        array = np.load(io.BytesIO(content)) if name.endswith(".npy") else np.zeros(0)
        if field not in (array.dtype.names or ()):
            return content
        array[field][0] = value
        out = io.BytesIO()
        np.save(out, array)
        return out.getvalue()

    return change


@pytest.mark.parametrize(
    ("make", "field", "value"),
    [
        (forest, "left_child", 10**6),
        (forest, "right_child", -7),
        (forest, "left_child", 0),  # a circle
        (forest, "feature", 3),
        (forest, "feature", -2),
        (boosting, "left", 10**6),
        (boosting, "right", 0),
        (boosting, "feature_idx", 99),
    ],
)
def test_a_branch_that_leads_outside_is_refused(make, field, value):
    """Each crashes the process, or never ends, once a prediction follows it."""
    blob = rewritten(pack_trees(make(), ""), forged(field, value))
    with pytest.raises(IncompatibleWeightsError, match="branches lead outside") as refused:
        unpack_trees(blob, "a.skops")
    assert refused.value.code is Code.WEIGHTS_VALUES


def changed(blob, change):
    """Return an archive whose arrays of nodes went through `change`, a function of one."""

    def change_file(name, content):
        array = np.load(io.BytesIO(content)) if name.endswith(".npy") else np.zeros(0)
        if "is_leaf" not in (array.dtype.names or ()):
            return content
        out = io.BytesIO()
        np.save(out, change(array))
        return out.getvalue()

    return rewritten(blob, change_file)


def test_a_tree_without_nodes_is_refused():
    """It crashes the process, which looks at a first node whether there is one or not."""
    blob = changed(pack_trees(boosting(), ""), lambda nodes: nodes[:0])
    with pytest.raises(IncompatibleWeightsError, match="without nodes") as refused:
        unpack_trees(blob, "a.skops")
    assert refused.value.code is Code.WEIGHTS_VALUES


def test_an_array_that_claims_more_than_the_memory_is_refused():
    def claim(name, content):
        if not name.endswith(".npy"):
            return content
        out = io.BytesIO()
        head = {"descr": "<f8", "fortran_order": False, "shape": (2**50,)}
        np.lib.format.write_array_header_1_0(out, head)
        return out.getvalue()

    with pytest.raises(IncompatibleWeightsError, match="more than fits into memory") as refused:
        unpack_trees(rewritten(pack_trees(forest(), ""), claim), "a.skops")
    assert refused.value.code is Code.WEIGHTS_SIZE


def test_trees_of_another_scikit_learn_are_refused():
    def older(name, content):
        return content.replace(b'\\"1.9.1\\"', b'\\"1.2.0\\"') if name == "schema.json" else content

    blob = rewritten(pack_trees(forest(), ""), older)
    with pytest.raises(IncompatibleWeightsError, match="of scikit-learn 1.2.0, installed") as said:
        unpack_trees(blob, "a.skops")
    assert said.value.code is Code.WEIGHTS_OTHER


def test_what_is_no_forest_is_refused():
    model = Pipeline([("other", LogisticRegression())]).fit(ROWS, CLASSES)
    with pytest.raises(IncompatibleWeightsError, match="wanted trees, got LogisticRegression"):
        unpack_trees(pack_trees(model, ""), "a.skops")


def test_code_named_in_the_file_is_not_run():
    schema = json.dumps(
        {"__class__": "system", "__module__": "os", "__loader__": "FunctionNode", "protocol": 4}
        | {"content": {"module_path": "os", "function": "system"}}
    )
    out = io.BytesIO()
    with ZipFile(out, "w") as target:
        target.writestr("schema.json", schema)
    with pytest.raises(IncompatibleWeightsError, match="holds no trees"):
        unpack_trees(out.getvalue(), "a.skops")


def test_an_archive_that_unpacks_to_too_much_is_refused(monkeypatch):
    monkeypatch.setattr(tree_files, "_MOST_UNPACKED", 2**20)
    out = io.BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as target:
        target.writestr("1.npy", bytes(2**20 + 1))
    with pytest.raises(IncompatibleWeightsError, match="unpacks to") as refused:
        unpack_trees(out.getvalue(), "a.skops")
    assert refused.value.code is Code.WEIGHTS_SIZE


@pytest.mark.parametrize("blob", [b"", b"\x80\x04pickle", b"PK\x03\x04 cut off"])
def test_what_is_no_archive_is_refused(blob):
    with pytest.raises(IncompatibleWeightsError) as refused:
        unpack_trees(blob, "a.skops")
    assert refused.value.code is Code.WEIGHTS_FORMAT
