"""The app under load, in short; in full: benchmarks/reliability/sessions.py and neighbour.py."""

import asyncio

import pytest
from coroutines import finished

pytest.importorskip("websockets", reason="websockets, which Streamlit brings, is not installed")
from _app import running_app
from _hostile import hostile_files
from _load_files import small_sequence
from _visitor import Visitor
from browser import small_models
from neighbour import side_by_side
from sessions import KEEP, LANES, SWEPT, crowd, cycle


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """Run the app with few objects and small models."""
    weights = tmp_path_factory.mktemp("weights")
    small_models(weights)
    with running_app(small=True, weights=weights, TAONET_KEEP_SECONDS=str(KEEP)) as running:
        yield running


def test_a_crowd_opens_every_page_and_leaves_nothing_behind(app) -> None:
    def left(weights) -> dict[str, int]:
        held = weights.held[-1]
        more = {"files": app.temporary_files(), "processes": len(app.children())}
        return {what: held[what] for what in ("descriptors", "heap")} | more

    async def come_and_go():
        first, few = await crowd(app, 1), await crowd(app, 3)
        come, weights = await cycle(app, LANES, 1)
        before = left(weights)  # connections to databases and workers are there from now on
        again, weights = await cycle(app, 10, 1)
        return [few, first, come, again], before, left(weights)

    met, before, after = finished(come_and_go())
    assert [error for part in met for error in part.errors] == []
    assert met[0].quantile(0.95) < 6.0
    before["heap"] += 2 * 2**20  # ten sessions that stayed would be 3 MB and more
    assert all(after[what] <= before[what] for what in before), (before, after)


def test_pages_are_served_while_a_neighbour_means_harm(app, tmp_path) -> None:
    for name, content in hostile_files(1, scale=0.003):
        (tmp_path / name).write_bytes(content)
    found = finished(side_by_side(app, tmp_path, blocks=1, seconds=0.5, rest=2.0))
    # a ratio of two 95th percentiles needs more pages than there are in a second
    goals = [goal for goal in found.goals if "over that without" not in goal.name]
    assert [f"{g.name}: {g.measured}" for g in goals if not g.met] == []
    waited = found.figures["p95_s"]
    assert waited["noisy"] < 2 * waited["quiet"] + 1.0


def test_files_of_one_name_do_not_take_each_others_place(app) -> None:
    async def shown(seed: int, name: str) -> bytes:
        visitor = Visitor(app.address)
        await visitor.open("upload")
        assert await visitor.upload("object.fits", small_sequence(seed, name)) == 204
        await visitor.settled()
        page = b"".join(element.SerializeToString() for element in visitor.elements.values())
        await visitor.close()
        assert not visitor.errors
        return page

    async def both() -> list[bytes]:
        return await asyncio.gather(shown(1, "FIRST-OBJECT"), shown(2, "OTHER-OBJECT"))

    first, other = finished(both())
    assert b"FIRST-OBJECT" in first and b"OTHER-OBJECT" not in first
    assert b"OTHER-OBJECT" in other and b"FIRST-OBJECT" not in other


def test_what_the_last_visitor_sent_is_let_go_when_nobody_else_comes(app) -> None:
    async def send_and_leave() -> tuple[int, int]:
        visitor = Visitor(app.address)
        await visitor.open("upload")
        before = app.held()["heap"]
        assert await visitor.upload("junk.fits", b"\x07\x99" * (15 * 2**20)) == 204
        await visitor.settled()
        await visitor.close()
        await asyncio.sleep(KEEP + SWEPT)
        return before, app.held()["heap"]

    before, after = finished(send_and_leave())
    assert after - before < 10 * 2**20  # of 30 MB that were sent
