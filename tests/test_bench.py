"""What a benchmark computes, rather than measures."""

from bench.pgbench import waits


def line(end, took, script=0):
    """As pgbench logs it: client, number, microseconds, script, when it ended in seconds and microseconds."""
    return ["0", "0", str(round(took * 1e6)), str(script), str(int(end)), str(round((end - int(end)) * 1e6))]


def test_a_connection_each_is_no_line():
    found = waits([line(10.5, 0.5), line(10.25, 0.25), line(11, 0.75), line(11, 0.5)], 2)
    assert [wait for _, wait in found] == [250, 500, 750, 500]


def test_who_finds_no_connection_waits_for_those_before():
    found = waits([line(11, 1, script=0), line(13, 2, script=1), line(14, 1, script=0), line(18, 4, script=1)], 3)
    assert found == [(0, 1000), (1, 3000), (0, 4000), (1, 7000)]
