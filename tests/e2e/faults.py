"""Programs under strace, which lists what they do to the disk, and has it fail, or them die."""

import os
import re
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.conftest import CHECKOUT

KILL = "signal=KILL"

MAKING = {"openat", "write", "mkdir", "link", "linkat"}
"""Calls that need space on the disk."""

RENAMING = {"rename", "renameat", "renameat2"}
_CHANGING = {
    *MAKING,
    *RENAMING,
    *("fsync", "unlink", "unlinkat", "rmdir", "chmod", "fchmod", "fchown", "copy_file_range"),
}

# A line of strace -y, with the number of the process where there are several.
_CALL = re.compile(r"^(?:\d+ +)?(\w+)\((.*)\) += (-?\d+|\?)", re.MULTILINE)
_PATH = re.compile(r'<(/[^>]*)>|"(/[^"]*)"')
_RELATIVE = re.compile(r'AT_FDCWD<([^>]*)>, "([^/"][^"]*)"')
_WORKING_FOLDER = re.compile(r"AT_FDCWD<[^>]*>")


@dataclass(frozen=True)
class Call:
    """A system call: the how-many-eth of that name in its process, or in all that are traced."""

    name: str
    arguments: str
    result: str
    number: int

    @cached_property
    def paths(self) -> list[str]:
        """The files that it is about: by descriptor, absolute, or from the working folder."""
        text = _RELATIVE.sub(r'"\1/\2"', self.arguments)
        text = _WORKING_FOLDER.sub("", text)
        if self.name == "write":  # what it writes is no path
            text = text.partition(",")[0]
        found = [by_descriptor or name for by_descriptor, name in _PATH.findall(text)]
        return [os.path.normpath(path) for path in found]

    @property
    def target(self) -> str:
        """What strace -P takes for it: the last name as it was said, or the file that is open."""
        said = re.findall(r'"([^"]*)"', self.arguments)
        return said[-1] if said and self.name != "write" else self.paths[-1]

    @property
    def done(self) -> bool:
        """Whether it did what it should."""
        return not self.result.startswith("-")

    @property
    def changes_the_disk(self) -> bool:
        """Whether it is one after which the disk is another, or a file is safe on it."""
        opens = self.name == "openat" and "O_CREAT" not in self.arguments
        on_disk = any(path.startswith(("/etc", "/var/lib")) for path in self.paths)
        return self.name in _CHANGING and on_disk and not opens


def traced(
    argv: Sequence[str | Path], trace: Path, *options: str
) -> "subprocess.CompletedProcess[str]":
    """Run a program under strace."""
    under = ("strace", "-qq", "-y", f"-o{trace}", *options)
    return subprocess.run(
        [*under, *argv], check=False, capture_output=True, text=True, cwd=CHECKOUT
    )


def calls(trace: Path) -> list[Call]:
    """Those of a trace, in order."""
    seen: Counter[str] = Counter()
    found = []
    for name, arguments, result in _CALL.findall(trace.read_text()):
        seen[name] += 1
        found.append(Call(name, arguments, result, seen[name]))
    return found


def between_markers(found: Sequence[Call]) -> list[Call]:
    """Those between two calls of getppid."""
    first, last = [at for at, call in enumerate(found) if call.name == "getppid"]
    return list(found[first + 1 : last])


def unsafe_renames(found: Sequence[Call]) -> list[Call]:
    """Those calls that put something in its place before all that was done is on the disk.

    After them a power cut could leave what is new without what it builds on.
    """
    unsynced: set[str] = set()
    unsafe = []
    for call in found:
        if not call.changes_the_disk or not call.done or call.paths[0].endswith("/lock"):
            continue
        if call.name in RENAMING and unsynced - {str(Path(call.paths[-1]).parent)}:
            unsafe.append(call)
        if call.name == "fsync":
            unsynced.discard(call.paths[0])
        elif call.name in {"write", "chmod", "fchmod", "fchown", "copy_file_range"}:
            unsynced.add(call.paths[-1])
        else:
            unsynced |= {str(Path(path).parent) for path in call.paths}
    return unsafe
