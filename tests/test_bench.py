"""What benchmarks compute rather than measure."""

from bench.pgbench import latencies


def line(end, took, script=0):
    """A line of pgbench's log: client, number, microseconds, script, end in seconds and in microseconds."""
    return ["0", "0", str(round(took * 1e6)), str(script), str(int(end)), str(round((end - int(end)) * 1e6))]


def test_with_a_connection_for_each_buyer_nobody_waits():
    found = latencies([line(10.5, 0.5), line(10.25, 0.25), line(11, 0.75), line(11, 0.5)], 2)
    assert [latency for _, latency in found] == [250, 500, 750, 500]


def test_a_buyer_without_a_connection_waits_for_those_before_him():
    found = latencies([line(11, 1, script=0), line(13, 2, script=1), line(14, 1, script=0), line(18, 4, script=1)], 3)
    assert found == [(0, 1000), (1, 3000), (0, 4000), (1, 7000)]
