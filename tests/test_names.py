"""Names a reader may have meant."""

from taonet_core.data.names import near_names

KNOWN = ["CSS081020:221235-230208", "CSS081021:010203+040506", "ZTF21abiuvdk", "ZTF20abfcszi"]


def test_a_slip_is_forgiven():
    assert near_names("css081020:221235-23020", KNOWN)[0] == KNOWN[0]
    assert near_names("ZTF21abiuvdx", KNOWN, most=1) == ["ZTF21abiuvdk"]


def test_nothing_is_near_nonsense():
    assert near_names("<script>", KNOWN) == []
    assert near_names("a" * 9999, KNOWN) == []
