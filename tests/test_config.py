"""Settings survive the way through JSON, and nothing unknown slips in."""

import json
from dataclasses import dataclass

import pytest

from taonet_core.config import from_dict, to_dict


@dataclass(frozen=True)
class Oven:
    degrees: float = 180.0
    racks: tuple[int, ...] = (1, 3)

    def __post_init__(self):
        if self.degrees <= 0:
            raise ValueError("degrees must be positive")


def test_settings_come_back_from_json_as_they_were():
    oven = Oven(degrees=200.5, racks=(2,))
    assert from_dict(Oven, json.loads(json.dumps(to_dict(oven)))) == oven


def test_an_unknown_setting_is_refused_by_name():
    with pytest.raises(ValueError, match=r"Oven has no setting \['fan'\].*degrees"):
        from_dict(Oven, {"fan": True})


def test_contradictions_are_refused_as_at_construction():
    with pytest.raises(ValueError, match="positive"):
        from_dict(Oven, {"degrees": -1.0})


def test_a_value_of_the_wrong_kind_is_refused():
    with pytest.raises(ValueError, match="Oven cannot be made of"):
        from_dict(Oven, {"degrees": "hot"})


@pytest.mark.parametrize("value", [{"degrees": 1.0}, Oven], ids=["dict", "class"])
def test_only_settings_can_be_turned_into_a_dict(value):
    with pytest.raises(ValueError, match="settings dataclass"):
        to_dict(value)
