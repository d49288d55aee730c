"""What models share: arguments of a rule, and files as modules read them."""

from typing import TYPE_CHECKING

from pamconf.lines import bytes_of
from pamconf.login import Login

if TYPE_CHECKING:
    from pamconf.stack import Rule


def last(rule: "Rule", prefix: str) -> str | None:
    """Return what stands after a prefix in the last argument that has it: `file=`."""
    found = [one.removeprefix(prefix) for one in rule.arguments if one.startswith(prefix)]
    return found[-1] if found else None


def chunks(text: str, size: int) -> list[str]:
    """Return a file's lines as fgets(3) hands them out, up to `size` bytes at a time.

    So what goes beyond counts as the next line. Newlines are taken off.
    """
    found = []
    for line in _lines(bytes_of(text)):
        found += [line[at : at + size] for at in range(0, len(line), size)]
    plain = (one.partition(b"\0")[0].removesuffix(b"\n") for one in found)
    return [one.decode("utf-8", "surrogateescape") for one in plain]


def _lines(content: bytes) -> list[bytes]:
    *whole, rest = content.split(b"\n")
    return [line + b"\n" for line in whole] + [rest]


def shell_in(path: str, shells: list[str], login: Login, *, without: str = "") -> bool:
    """Tell whether the user's shell, or `without` one, is among those that a file lists."""
    shell = login.user.shell if login.user else None
    if shell is not None:
        return (shell or without) in shells
    on, off = f"with a shell of {path}", f"with a shell that is not in {path}"
    return login.fact(f"shell in {path}", on, off) == on
