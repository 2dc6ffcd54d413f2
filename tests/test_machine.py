"""Which cores the server and the load run on."""

import pytest

from tuner.machine import Placement, place


@pytest.mark.parametrize(
    ("cores", "processes", "server", "load"),
    [
        ((0,), 1, (0,), (0,)),
        ((0, 1), 1, (0, 1), (0, 1)),
        ((0, 1, 2), 2, (0, 1, 2), (0, 1, 2)),
        ((0, 1, 2, 3), 1, (0, 1, 2), (3,)),
        ((2, 3, 6, 7, 8), 2, (2, 3, 6), (7, 8)),
        ((0, 1, 2, 3), 4, (0, 1), (2, 3)),  # the server keeps half of them
        ((0, 1), 0, (0, 1), ()),  # the load is made elsewhere
        ((0, 1, 2, 3), 0, (0, 1, 2, 3), ()),
    ],
)
def test_server_and_load_are_parted_where_there_are_enough_cores(
    cores: tuple[int, ...], processes: int, server: tuple[int, ...], load: tuple[int, ...]
) -> None:
    found = place(cores, processes)
    assert found == Placement(server=server, load=load)
    assert found.shared == (server == load)
    assert found.shared or not set(server) & set(load)
