"""Times of functions computed from samples."""

from pathlib import Path

import msgspec

from bench.hotspots import read, spent


def test_samples_outside_of_the_window_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "samples"
    samples = [(at_s, 0.25, [f"/somewhere/app/streams/tasks/task.py:step{at_s}"]) for at_s in (9.0, 10.0, 20.0, 21.0)]
    path.write_bytes(b"\n".join(map(msgspec.json.encode, samples)))

    found = read(path, 10.0, 20.0)

    assert found == [(0.25, ["app/streams/tasks/task.py:step10.0"]), (0.25, ["app/streams/tasks/task.py:step20.0"])]


def test_a_function_has_what_it_takes_itself_and_what_it_takes_with_its_callees() -> None:
    found = spent([(0.5, ["inner", "outer"]), (0.25, ["outer"]), (0.125, ["again", "outer", "again"])])

    assert found.own_s == {"inner": 0.5, "outer": 0.25, "again": 0.125}
    assert found.whole_s == {"inner": 0.5, "outer": 0.875, "again": 0.125}
