"""What public services know of the place of an object; asked only when a reader wishes so."""

from __future__ import annotations

import streamlit as st

from pages import _ui as ui
from pages._object.subject import Subject
from taonet_core.data.lightcurve import LightCurve
from taonet_core.drawing.charts import CONFIG
from taonet_core.drawing.panels import field_of_view
from taonet_core.drawing.survey_chart import survey_chart
from taonet_core.errors import ServiceError
from taonet_core.services import sky_image, ztf_light_curve

_DAY = 86_400
_SIDE = 360  # pixels of the image of the sky
_UNKNOWN = 160.0  # arcsec shown where the frames do not say their scale


def sky_around(subject: Subject) -> None:
    """Offer a colour image of the place, as large on the sky as the frames."""
    if (place := _place(subject)) is None:
        return
    width = field_of_view(subject.sequence) if subject.sequence else None
    said = "as wide as the frames" if width else "the frames do not say their scale"
    width = width or _UNKNOWN
    st.caption(f"A colour image of the same place from another survey, {width:.0f}″ wide ({said}).")
    if not _asked("Show the sky here", "sky", subject, ":material/travel_explore:"):
        return
    try:
        with st.spinner("Asking CDS in Strasbourg …"):
            image, survey = _sky(*place, width)
    except ServiceError as error:
        _unreachable(error)
        return
    st.image(image, caption=f"{survey}; north up, east left, {width:.0f}″ wide", width=_SIDE)


def other_surveys(subject: Subject) -> None:
    """Offer the light curve of the Zwicky Transient Facility at the place."""
    if (place := _place(subject)) is None:
        return
    st.caption("What the Zwicky Transient Facility (2018 on; g, r, i) measured within 2″.")
    if not _asked("Other surveys' light curves", "ztf", subject, ":material/show_chart:"):
        return
    try:
        with st.spinner("Asking IRSA in Pasadena …"):
            curve = _ztf(*place)
    except ServiceError as error:
        _unreachable(error)
        return
    if not len(curve):
        st.info("The Zwicky Transient Facility has measured nothing within 2″ of this place.")
        return
    chart = survey_chart(subject.curve, curve, name="ZTF")
    st.plotly_chart(chart.figure, config=CONFIG, alt=chart.words, key="ztf-chart")


def _place(subject: Subject) -> tuple[float, float] | None:
    """Return the place, or say why there is nothing to ask for."""
    if subject.simulated:
        st.caption(
            "This object is simulated: it is nowhere on the sky, and what lies at its position is "
            "something else."
        )
        return None
    if subject.place is None:
        st.caption("The file has no coordinates: there is no place to ask for.")
    return subject.place


def _asked(label: str, key: str, subject: Subject, icon: str) -> bool:
    """Show a button; return whether it was pressed for this object."""
    held = f"{key}-of"
    if st.button(label, key=key, icon=icon):
        st.session_state[held] = subject.content
    return bool(st.session_state.get(held) == subject.content)


def _unreachable(error: ServiceError) -> None:
    st.info(ui.plain(f"{error}."), icon=":material/cloud_off:")


@st.cache_data(ttl=_DAY, max_entries=64, show_spinner=False)
def _sky(ra: float, dec: float, width: float) -> tuple[bytes, str]:
    return sky_image(ra, dec, width_arcsec=width, pixels=_SIDE)


@st.cache_data(ttl=_DAY, max_entries=64, show_spinner=False)
def _ztf(ra: float, dec: float) -> LightCurve:
    return ztf_light_curve(ra, dec)
