"""`python -m tests.coverage`: which branches of the C code the tests of `make coverage` took.

clang counted them: each side of a condition, of each part of an && or an ||, and each case. A
process that is killed has counted nothing, which is as well: what it was about to look at would
count as false. Prints what was never taken, and exits with 1 where a folder is below what it NEEDS.
"""

import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import CHECKOUT

BUILD = CHECKOUT / "build/coverage"
COUNTED = CHECKOUT / "build/counted"
NEEDS = {"core": 100.0, "pam": 95.0}  # per cent of the branches in each folder of pam_module

# Branches that nothing can take, as they are printed, and why. They do not count. One that was
# taken all the same, or has gone, is an error.
UNREACHABLE: dict[str, str] = {
    "credential.c, credential_set: never false: line_len < size": (
        "as much is allocated as the line takes: a slip in the sum must not write what lies behind"
    ),
    "store.c, open_in_folder: never true: folder_len >= sizeof folder": (
        "neither place.path nor what realpath(3) finds is longer; if it were, it would be written"
        " past the end"
    ),
}


@dataclass(frozen=True, order=True)
class Branch:
    """One way in which a condition can come out, and where it stands."""

    file: Path
    line: int
    column: int
    function: str
    condition: str
    outcome: str

    @property
    def name(self) -> str:
        """What it is called, whatever is written above it."""
        return f"{self.file.name}, {self.function}: never {self.outcome}: {self.condition}"


def output(*command: str | Path) -> str:
    """What a program of LLVM writes."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def exported() -> str:
    """What llvm-cov makes of all counters: JSON."""
    merged = COUNTED / "merged.profdata"
    output("llvm-profdata", "merge", "-sparse", *COUNTED.glob("*/*.profraw"), "-o", merged)
    (module,) = BUILD.glob("pam_module/pam_doorward.so")
    (extension,) = BUILD.glob("pam_module/ffi/_core*.so")
    return output("llvm-cov", "export", "-instr-profile", merged, module, "-object", extension)


def branches() -> Counter[Branch]:
    """How often each was taken."""
    taken: Counter[Branch] = Counter()
    for function in json.loads(exported())["data"][0]["functions"]:
        path = Path(function["filenames"][0]).resolve()
        if path.parent.name not in NEEDS:
            continue
        lines = path.read_text().splitlines()
        name = function["name"].rsplit(":")[-1]  # of a static one: file:name
        for line, column, last_line, end, true, false, *_ in function["branches"]:
            condition = lines[line - 1][column - 1 : end - 1 if line == last_line else None]
            for outcome, count in (("true", true), ("false", false)):
                taken[Branch(path, line, column, name, condition, outcome)] += count
    return taken


def main() -> int:
    """Prints what is missing, and the figures; returns the exit status."""
    taken = branches()
    missing = {branch for branch in taken if not taken[branch]}
    excused = {branch for branch in missing if branch.name in UNREACHABLE}
    stale = UNREACHABLE.keys() - {branch.name for branch in excused}
    for branch in sorted(missing - excused):
        print(f"line {branch.line} of {branch.name}")
    for name in sorted(stale):
        print(f"called unreachable, but it was taken or has gone: {name}")
    failed = bool(stale)
    if len(excused) > len(UNREACHABLE):
        print("called unreachable once, but there are several:", *sorted(UNREACHABLE), sep="\n")
        failed = True
    for folder, needed in NEEDS.items():
        here = {branch for branch in taken.keys() - excused if branch.file.parent.name == folder}
        share = 100 * len(here - missing) / len(here)
        print(f"{folder}: {share:.2f} % of {len(here)} branches; {needed:.0f} % are needed")
        failed = failed or share < needed
    print(f"and {len(excused)} that nothing can take")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
