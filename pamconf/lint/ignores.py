"""Comments that silence a check: `# pamconf: ignore PAM007`, on the line above."""

import re
from collections.abc import Sequence

_IGNORE = re.compile(r"^\s*#\s*pamconf:\s*ignore\s+(PAM\d+(?:[\s,]+PAM\d+)*)", re.IGNORECASE)
_CODE = re.compile(r"PAM\d+", re.IGNORECASE)


def ignored(lines: Sequence[str], line: int | None) -> frozenset[str]:
    """Return the codes that are silenced at a line (from 1).

    What is about the whole file (None) is silenced by a comment in its first line.
    """
    above = 0 if line is None else line - 2
    found = _IGNORE.match(lines[above]) if 0 <= above < len(lines) else None
    return frozenset(code.upper() for code in _CODE.findall(found[1])) if found else frozenset()
