"""Run the bench in a private host: measure, print the tables and write bench/results.md."""

import argparse
import sys

from bench import host, measure, report


def main() -> int:
    """Measure; return 0 where that could be done, whatever the numbers."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a moment of each, only printed")
    quick = parser.parse_args().quick
    plan = measure.QUICK if quick else measure.FULL
    try:
        with host.prepared():
            machine = host.machine()
            tables = [
                *measure.times(plan),
                measure.instructions(plan),
                measure.crowds(plan),
                measure.memory_and_size(plan),
            ]
    except (RuntimeError, OSError) as error:
        sys.stderr.write(f"bench: error: {error}\n")
        return 1
    text = report.markdown(machine, tables)
    print(text)
    if not quick:
        (host.CHECKOUT / "bench/results.md").write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
