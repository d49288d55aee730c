"""Comments that silence a check: `# pamconf: ignore PAM007`, on the line above."""

import re
from collections.abc import Sequence

_IGNORE = re.compile(r"^\s*#\s*pamconf:\s*ignore\s+([A-Z]+\d+(?:[\s,]+[A-Z]+\d+)*)", re.IGNORECASE)
_CODE = re.compile(r"[A-Z]+\d+", re.IGNORECASE)


def ignored(lines: Sequence[str], line: int | None) -> frozenset[str]:
    """Return the codes that are silenced at a line (from 1).

    What is about the whole file (None) is silenced by a comment in its first line.
    """
    above = 0 if line is None else line - 2
    while above >= 0 and line is not None and lines[above].rstrip().endswith("\\"):
        above -= 1  # no comment can stand where a line goes on
    found = _IGNORE.match(lines[above]) if 0 <= above < len(lines) else None
    return frozenset(code.upper() for code in _CODE.findall(found[1])) if found else frozenset()
