"""The same objects on every road and in every file, in short; see benchmarks/reliability."""

from _equal_inputs import curve_files, sequence_files
from equivalence import Compared, compare, orders, other_ways


def test_every_road_says_the_same_bit_for_bit(tmp_path) -> None:
    found = Compared()
    sequences = sequence_files(tmp_path, 5, seed=1)  # one of each layout
    compare([*sequences, *curve_files(tmp_path, 2, seed=1)], ("taonet",), found)
    assert found.objects == 7
    assert not found.differing and not found.unequal_reads
    assert found.refused == 2  # the light curves, with the same words on every road


def test_the_order_of_an_upload_changes_no_bit() -> None:
    assert orders(3) == 0


def test_number_formats_compressions_and_layouts_change_nothing() -> None:
    ways = other_ways(1, models=("taonet",))
    assert len(ways) == 23
    assert max(ways.values()) <= 1e-6, ways
