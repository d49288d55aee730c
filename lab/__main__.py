"""Run a command in a private host: a throwaway Debian with doorward installed."""

import argparse
import os
import sys

from . import container, host, inside, root
from .process import LabError


def main() -> int:
    """Run the subcommand that the command line names; return the exit status."""
    parser = argparse.ArgumentParser(prog="lab", description=__doc__)
    commands = parser.add_subparsers(dest="what", required=True)
    run = commands.add_parser("run", help="run a command in a fresh private host")
    run.add_argument("command", nargs="+", metavar="COMMAND")
    commands.add_parser("shell", help="start a shell in a fresh private host")
    commands.add_parser("root", help="print the path of the cached root (built if missing)")
    commands.add_parser("container", help="run Dockerfile.test, on whatever can build it")
    # All that follows `run` is the command's, options and all.
    words = sys.argv[1:]
    command: list[str] = []
    if words[:1] == ["run"] and words[1:2] not in (["-h"], ["--help"]):
        command = words[2:] if words[1:2] == ["--"] else words[1:]
        words = ["run", *command[:1]]
    try:
        return _do(parser.parse_args(words).what, command)
    except LabError as error:
        return error.tell()
    except OSError as error:
        return LabError(str(error)).tell()


def _do(what: str, command: list[str]) -> int:
    """Do what was asked for; return the exit status."""
    if os.geteuid() != 0:
        raise LabError("this needs root", "run it with sudo")
    if what == "container":
        return container.build()
    if what == "root":
        print(root.root())
        return 0
    run = inside.run if inside.is_throwaway_container() else host.run
    return run(["bash"] if what == "shell" else command)


if __name__ == "__main__":
    sys.exit(main())
