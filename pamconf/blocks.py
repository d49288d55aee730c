"""Lines that were put into a file between two comments, so that they can be found and taken out.

    marks = Marks("# begin: asks for a code", "# end: asks for a code")

The comments stand on lines of their own. What lies between them belongs to who put it there.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pamconf.errors import PamconfError, UsageError


@dataclass(frozen=True)
class Marks:
    """The comments above and below a block, without their line ends."""

    begin: str
    end: str


@dataclass(frozen=True)
class Block:
    """Where a block is in a file: from the byte `start` to before `end`, its comments included."""

    start: int
    end: int
    lines: tuple[bytes, ...]


def render(lines: Iterable[str], marks: Marks) -> bytes:
    """Return a block with those lines."""
    return "".join(f"{line}\n" for line in (marks.begin, *lines, marks.end)).encode()


def find(content: bytes, marks: Marks, path: str) -> Block | None:
    """Return the block in the bytes of a file, None where there is none.

    Raises PamconfError where one comment has no other, or one stands there twice: nobody can tell
    then what belongs to whom.
    """
    lines = content.splitlines(keepends=True)
    said = [line.strip().decode("utf-8", "surrogateescape") for line in lines]
    begins = [at for at, line in enumerate(said) if line == marks.begin]
    ends = [at for at, line in enumerate(said) if line == marks.end]
    if not begins and not ends:
        return None
    if len(begins) != 1 or len(ends) != 1 or begins > ends:
        raise PamconfError(
            f"'{marks.begin}' and '{marks.end}' are not there once each, in this order",
            hint="Mend that by hand: what stands between them is taken out as a whole.",
            path=path,
            line=(*begins, *ends)[0] + 1,
        )
    (begin,), (end,) = begins, ends
    start = sum(map(len, lines[:begin]))
    stop = start + sum(map(len, lines[begin : end + 1]))
    return Block(start, stop, tuple(line.rstrip(b"\r\n") for line in lines[begin + 1 : end]))


def without(content: bytes, marks: Marks, path: str) -> bytes:
    """Return the bytes of a file without its block; the same where there is none."""
    block = find(content, marks, path)
    return content[: block.start] + content[block.end :] if block else content


def insert(content: bytes, lines: Iterable[str], marks: Marks, path: str, *, at: int) -> bytes:
    """Return the bytes of a file with a block in front of the byte `at`, where a line begins.

    What stands at the end without a line's end gets one. Raises UsageError where there is a block.
    """
    if find(content, marks, path):
        raise UsageError(f"{path}: '{marks.begin}' is there already")
    head, tail = content[:at], content[at:]
    if head and not head.endswith(b"\n"):
        head += b"\n"
    return head + render(lines, marks) + tail
