"""All benchmarks, or those that are named: `make bench`, `python -m bench [fanout rates locks storm slow …]`."""

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("fanout", "rates", "locks", "replay", "storm", "slow", "front_page", "choice", "pages", "hall_frames")


def main():
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=__doc__,
        epilog="Each has options of its own: python -m bench.NAME --help."
        " python -m bench.structure prints the structure of the code and is no benchmark.",
    )
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(NAMES))
    names = parser.parse_args().names
    if unknown := sorted(set(names) - set(NAMES)):
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(NAMES)}")
    failed = []
    for name in names or NAMES:
        print(f"\n==== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"bench.{name}"], cwd=ROOT, check=False).returncode:
            failed.append(name)
    if failed:
        print(f"\nFailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
