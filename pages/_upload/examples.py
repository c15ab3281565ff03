"""Examples for a first visit: opened with one click, or downloaded to see the formats."""

from __future__ import annotations

from functools import partial

import streamlit as st

from pages import _data as data
from pages._ui import Key
from pages._upload.session import LIMITS
from taonet_core.data.intake import NamedBytes
from taonet_core.examples import example_curves, example_file, example_zip
from taonet_core.faults import said
from taonet_core.objects.collection import Collection

_TAKES = """
**Image sequences.** FITS of any layout: one file an object or one file a frame, cubes, extensions,
science / template / difference stamps; also `.fz`, `.gz`, `.bz2`, `.xz`. Frames of one folder are
one object. Times come from the headers, or from a CSV table beside the frames.

**Alerts.** Packets of ZTF and LSST (Avro), one or many a file: alerts of one object are its frames.

**Many objects.** A zip or tar of the above, one file or one folder an object.

**Light curves.** A table with one row a measurement: time (MJD, JD, HJD, BJD, dates), magnitude and
error, or flux, error and zero point; also object, filter, limits, position where known. CSV, ECSV,
Parquet, VOTable or FITS, plain or compressed, several objects and filters at once.

**Known classes.** A table that names objects, files or positions (within 5″), and their class in
any usual words: *SN Ia*, *QSO*, *BL Lac*, *dwarf nova* … In the archive or beside it.

**At most** {limits}. Files are read in memory and seen by this session
alone; they are let go when it ends or you start over, and never written to disk.
"""


def chosen() -> list[NamedBytes]:
    """Return the example that was asked for as if it had been uploaded; else nothing."""
    kind = st.session_state.get(Key.EXAMPLE_OPEN)
    return [NamedBytes(_NAMES[kind], _example(kind))] if kind else []


def _example(kind: str) -> bytes:
    with said("packing of an example"):
        collection = data.open_named(data.DEMO)
        return _made(kind, collection.key, collection)


@st.cache_data(max_entries=6, show_spinner="Packing the example …")
def _made(kind: str, key: str, _collection: Collection) -> bytes:
    if kind == "one":
        return example_file(_collection, data.showpiece(_collection))
    return example_zip(_collection) if kind == "several" else example_curves(_collection)


def invitation() -> None:
    """Invite to open an example, and say what files may look like."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="invitation"):
        st.text("No file at hand? Open an example:", width="content")
        for kind, words in _WORDS.items():
            st.button(words, key=f"{Key.EXAMPLE}-{kind}", on_click=_choose, args=(kind,))
    what_it_takes()


def what_it_takes() -> None:
    """Say what files may look like, with examples to download."""
    with st.expander("What does it take?"):
        st.markdown(_TAKES.format(limits=LIMITS))
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption("Example files (simulated)", width="content")
            for kind, words in _FILES.items():
                st.download_button(
                    words,
                    data=partial(_example, kind),
                    file_name=_NAMES[kind],
                    key=f"download-example-{kind}",
                    on_click="ignore",
                    type="tertiary",
                )


def _choose(kind: str) -> None:
    st.session_state[Key.EXAMPLE_OPEN] = kind


_WORDS = {"one": "one object", "several": "several, with their classes", "curves": "light curves"}
_FILES = {"several": "zip with a table of classes", "curves": "table of light curves"}
_NAMES = {
    "one": "taonet-example.fits",
    "several": "taonet-example.zip",
    "curves": "taonet-light-curves.csv",
}
