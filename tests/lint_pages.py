"""Writes docs/lint anew: a page for each check, made of its own docstring.

.venv/bin/python -m tests.lint_pages
"""

import re
from collections.abc import Iterable, Mapping

from doorward.pam_checks import ALL, machine

from pamconf.lint import Check
from tests.conftest import CHECKOUT

FOLDER = CHECKOUT / "docs/lint"

_KINDS = {"Bad": "It is found here", "Good": "It is not found here"}
_KIND = re.compile(r"^(Bad|Good):$", re.MULTILINE)
_FILE = re.compile(r"^    ## (/\S*)(?: ([0-7]{3,4}))?$", re.MULTILINE)


def pages(checks: Iterable[Check]) -> Mapping[str, str]:
    """Return the pages by the names of their files, one of which, README.md, lists the others."""
    listed = sorted(checks, key=lambda one: one.code)
    return {"README.md": _index(listed)} | {f"{one.code}.md": page(one) for one in listed}


def page(check: Check) -> str:
    """Return a check's page, in Markdown."""
    text = _KIND.sub(lambda kind: f"## {_KINDS[kind[1]]}", check.page)
    text = _FILE.sub(lambda file: f"    # {file[1]}{_mode(file[2])}", text)
    return f"# {check.code}: {check.name}\n\n*{str(check.severity).capitalize()}.* {text}\n"


def _mode(mode: str | None) -> str:
    return f" (mode {mode})" if mode else ""


def _index(checks: Iterable[Check]) -> str:
    rows = [
        f"| [{one.code}]({one.code}.md) | {one.severity} | {one.name} | {one.summary} |"
        for one in checks
    ]
    head = (
        "# What `doorward pam lint` finds",
        "",
        "An error shuts somebody out, or lets somebody in who should not be; a warning may do so,",
        "or is a line that does nothing; a note is worth knowing. A comment on the line above,",
        "`# pamconf: ignore PAM204`, silences a check there; in a file's first line, what is said",
        "of the file as such.",
        "",
        f"Second factors, to these checks, are {_listed(machine('/').second_factors)}.",
        "What becomes of a session after the login is not looked at.",
        "",
        "| code | severity | name | what it finds |",
        "|---|---|---|---|",
    )
    return "\n".join((*head, *rows)) + "\n"


def _listed(names: Iterable[str]) -> str:
    *most, last = sorted(names)
    return f"{', '.join(most)} and {last}"


def main() -> None:
    """Write them all, and take away those of checks that are no more."""
    FOLDER.mkdir(exist_ok=True)
    wanted = pages(ALL.values())
    for file in FOLDER.iterdir():
        if file.name not in wanted:
            file.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
