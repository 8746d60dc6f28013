"""All benchmarks, or those that are named: `make bench`, `python -m bench [fanout rates locks storm slow …]`."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ORDER = ("fanout", "rates", "locks", "replay", "storm", "slow", "front_page")


def main(names: list[str]) -> int:
    there = [name for name in ORDER if (HERE / f"{name}.py").exists()]
    if unknown := set(names) - set(there):
        print(f"There is no {', '.join(sorted(unknown))}; there is {', '.join(there)}.", file=sys.stderr)
        return 2
    failed = []
    for name in names or there:
        print(f"\n==== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"bench.{name}"], cwd=HERE.parent, check=False).returncode:
            failed.append(name)
    if failed:
        print(f"\nFailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
