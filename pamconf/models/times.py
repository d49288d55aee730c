"""pam_time: who may log in when, by time.conf(5).

    file   = *(service ";" terminals ";" users ";" times LF)   ; "#" begins a comment
    field  = [name] *(("&" / "|") name)                         ; "!" before a name: not
    name   = 1*(ALPHA / DIGIT / "*" / "_" / "-" / "." / "/" / ":")

Whom a line is about may log in only at its times. A backslash at the end of a line joins the next.

Source: modules/pam_time/pam_time.c. Fields of more than 1000 bytes are not followed.
"""

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from pamconf.errors import FileError
from pamconf.login import Login

if TYPE_CHECKING:
    from pamconf.stack import Rule

_CONF = "/etc/security/time.conf"
_FIELDS = 4
_ALWAYS = "Al0000-2400"
_TOKEN = re.compile(r"[A-Za-z0-9*_./:-]+|[&|!]")
_Field = tuple[str, str]
"""A field, and what ends it: ";", a newline, or nothing at all."""


def time(rule: "Rule", login: Login) -> str:
    """Model pam_time: when somebody comes is not known, so both is followed.

    Where the file is not there, or has no line about this login, it is always.
    """
    if login.call != "account":
        return "module_unknown"
    path = next((one[9:] for one in rule.arguments[::-1] if re.match("conffile=.", one)), _CONF)
    try:
        text = login.world.files.read(path)
    except FileError:
        return "success"
    refused = [number for number, fields in enumerate(_rules(text), 1) if _refuses(fields, login)]
    return "perm_denied" if refused else "success"


def _rules(text: str) -> Iterator[list[str]]:
    """Yield the fields of each rule; what has too few or too many of them is passed over."""
    fields = _fields(text)
    for first, end in fields:
        if not first:
            continue
        found, ends = [first], end
        while ends == ";" and len(found) < _FIELDS:
            field, ends = next(fields, ("", ""))
            found.append(field)
        if len(found) == _FIELDS and ends != ";":
            yield found


def _fields(text: str) -> Iterator[_Field]:
    """Yield the fields of a file. What stands behind the last newline counts as nothing."""
    text = text.partition("\0")[0].replace("\\\n", "")
    for line in text.splitlines(keepends=True):
        plain = re.sub("#[^\n]*", "", line)
        *fields, rest = plain.split(";")
        yield from ((field.strip(" \t"), ";") for field in fields)
        if rest.endswith("\n"):
            yield rest.rstrip("\n").strip(" \t"), "\n"
        elif "#" in line or rest:
            yield (rest.strip(" \t") if "#" in line else ""), ""


def _refuses(fields: list[str], login: Login) -> bool:
    service, terminals, users, times = fields
    terminal = re.sub("^/([^/]*/)?", "", login.origin.tty or "")
    return (
        _holds(service, lambda name: _is_like(name, login.service))
        and _holds(terminals, lambda name: _is_like(name, terminal))
        and _are_about(users, login)
        and not _holds(times, lambda name: _is_now(name, login))
    )


def _are_about(users: str, login: Login) -> bool:
    if users.startswith("@"):
        return login.fact(users, f"in {users}", f"not in {users}") == f"in {users}"
    return _holds(users, lambda name: _is_user(name, login))


def _holds(field: str, agrees: Callable[[str], bool]) -> bool:
    """Tell whether a field holds: from left to right, and no & binds more than an |."""
    holds, operator, negated, is_name_next = False, "|", False, True
    for token in _TOKEN.findall(field):
        if is_name_next and token == "!":  # noqa: S105 - no secret, a sign
            negated = not negated
        elif is_name_next and token not in {"&", "|"}:
            right = agrees(token) != negated
            holds = holds and right if operator == "&" else holds or right
            is_name_next = False
        elif not is_name_next and token in {"&", "|"}:
            operator, negated, is_name_next = token, False, True
        else:
            return False
    return holds


def _is_like(pattern: str, text: str) -> bool:
    """Compare as pam_time does: one * stands for anything."""
    start, star, end = pattern.partition("*")
    return text.startswith(start) and text.endswith(end) if star else text == pattern


def _is_user(pattern: str, login: Login) -> bool:
    if login.user is not None:
        return _is_like(pattern, login.user.name)
    if "*" not in pattern:
        return login.user_is(pattern)
    return pattern == "*" or login.fact(pattern, f"called {pattern}", f"not {pattern}")[:1] == "c"


def _is_now(times: str, login: Login) -> bool:
    now, at_another = f"at {times}", f"not at {times}"
    return times == _ALWAYS or login.fact(now, now, at_another) == now
