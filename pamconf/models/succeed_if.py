"""pam_succeed_if: conditions on who logs in, and from where.

    arguments = *(option / condition)
    option    = "debug" / "use_uid" / "quiet" / "quiet_fail" / "quiet_success" / "audit"
    condition = field test value                         ; all of them have to hold
    field     = "user" / "uid" / "gid" / "shell" / "home" / "ruser" / "rhost" / "tty" / "service"
    test      = "lt" / "le" / "eq" / "ge" / "gt" / "ne"  ; of numbers; < <= >= > too
              / "=" / "!=" / "=~" / "!~" / "in" / "notin" / "ingroup" / "notingroup"
              / "innetgr" / "notinnetgr"                 ; lists are separated by colons

Source: modules/pam_succeed_if/pam_succeed_if.c:evaluate.
"""

import fnmatch
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from pamconf.access_who import read_bits
from pamconf.login import Login

if TYPE_CHECKING:
    from pamconf.stack import Rule

_OPTIONS = {"debug", "use_uid", "quiet", "quiet_fail", "quiet_success", "audit"}
_ALIASES = {
    "login": "user",
    "name": "user",
    "dir": "home",
    "homedir": "home",
    "<": "lt",
    "<=": "le",
    ">": "gt",
    ">=": "ge",
    "glob": "=~",
    "noglob": "!~",
}
_NUMBERS: Mapping[str, Callable[[int, int], bool]] = {
    name: getattr(operator, name) for name in ("lt", "le", "eq", "ge", "gt", "ne")
}
_OPPOSITES = {
    "!=": "=",
    "!~": "=~",
    "notin": "in",
    "notingroup": "ingroup",
    "notinnetgr": "innetgr",
}


def _matches(text: str, pattern: str) -> bool:
    """Compare with a pattern of fnmatch(3), which escapes by a backslash and has [^ for [!."""
    plain = re.sub(r"\\(.)", lambda found: f"[{found[1]}]", pattern)
    return fnmatch.fnmatchcase(text, plain.replace("[^", "[!"))


def _is_in(value: str, names: str) -> bool:
    """Find a value between colons, of which it may have some itself."""
    return f":{value}:" in f":{names}:"


_TEXTS: Mapping[str, Callable[[str, str], bool]] = {
    "=": operator.eq,
    "=~": _matches,
    "in": _is_in,
}
_FIELDS = ("user", "uid", "gid", "shell", "home", "ruser", "rhost", "tty", "service")
_LLONG_MAX = 2**63
_SUCCESS, _FAILURE, _NONSENSE = "success", "auth_err", "service_err"


def succeed_if(rule: "Rule", login: Login) -> str:
    """Model pam_succeed_if. What makes no sense is service_err, as soon as it is come to."""
    if login.call == "setcred":
        return "ignore"
    whose = _Asker(login) if "use_uid" in rule.arguments else _Asked(login)
    for _, *condition in conditions(rule.arguments):
        returned = _evaluate(whose, *condition)
        if returned != _SUCCESS:
            return returned
    return _NONSENSE if len(_words(rule.arguments)) % 3 else _SUCCESS


def conditions(arguments: Sequence[str]) -> Iterator[tuple[int, str, str, str]]:
    """Yield the conditions: which argument each begins at (from 0), its field, test and value."""
    words = _words(arguments)
    for at in range(0, len(words) - len(words) % 3, 3):
        (index, left), (_, qual), (_, right) = words[at : at + 3]
        field, test = (_ALIASES.get(word.lower(), word.lower()) for word in (left, qual))
        yield index, field, test, right


def _words(arguments: Sequence[str]) -> list[tuple[int, str]]:
    return [(index, word) for index, word in enumerate(arguments) if word not in _OPTIONS]


def _number(text: str) -> int | None:
    """Return a number as strtoll(3) reads it; nothing at all is 0, as for pam_succeed_if."""
    number = read_bits(text) if text else 0
    return number if number is not None and -_LLONG_MAX <= number < _LLONG_MAX else None


def _evaluate(whose: "_Asked", field: str, test: str, right: str) -> str:
    if field not in _FIELDS:
        return _NONSENSE
    if test in _NUMBERS:
        return whose.compare(field, test, right)
    plain = _OPPOSITES.get(test, test)
    if plain not in {*_OPPOSITES.values()}:
        return _NONSENSE
    return _SUCCESS if whose.holds(field, plain, right) == (plain == test) else _FAILURE


class _Asked:
    """The user who logs in."""

    def __init__(self, login: Login) -> None:
        self.login = login

    def compare(self, field: str, test: str, right: str) -> str:
        """Return what a comparison of numbers comes to."""
        limit = _number(right)
        value = self._text(field)
        if limit is None:
            return _NONSENSE
        if field == "uid":
            return _SUCCESS if self._uid_is(test, limit) else _FAILURE
        if value is None and field == "gid":
            return _SUCCESS if self._may(f"gid {test} {right}") else _FAILURE
        number = None if value is None else _number(value)
        if number is None:
            return _NONSENSE
        return _SUCCESS if _NUMBERS[test](number, limit) else _FAILURE

    def holds(self, field: str, test: str, right: str) -> bool:
        """Tell whether something is so."""
        if test == "ingroup":
            return any(self._in_group(name) for name in right.split(":"))
        if test == "innetgr":
            return self._may(f"{field} {test} {right}")
        value = self._text(field)
        if value is not None:
            return _TEXTS[test](value, right)
        if field == "user" and test != "=~":
            names = right.split(":") if test == "in" else [right]
            return any(self._is(name) for name in names)
        return self._may(f"{field} {test} {right}")

    def _is(self, name: str) -> bool:
        return self.login.user_is(name)

    def _in_group(self, name: str) -> bool:
        return self.login.in_group(name)

    def _uid_is(self, test: str, limit: int) -> bool:
        if test in {"lt", "ge"}:
            return self._uid_below(limit) == (test == "lt")
        if test in {"le", "gt"}:
            return self._uid_below(limit + 1) == (test == "le")
        equal = not self._uid_below(limit) and self._uid_below(limit + 1)
        return equal == (test == "eq")

    def _uid_below(self, limit: int) -> bool:
        return self.login.uid_below(limit)

    def _may(self, condition: str) -> bool:
        """Follow both, where nobody knows."""
        so, otherwise = f"with {condition}", f"without {condition}"
        return self.login.fact(condition, so, otherwise) == so

    def _text(self, field: str) -> str | None:
        """Return what a field says, or None where nobody knows."""
        login = self.login
        if field in {"rhost", "tty"}:
            return getattr(login.origin, field) or ""
        if field == "service":
            return login.service
        of_user = {"user": "name", "uid": "uid", "gid": "gid", "home": "home", "shell": "shell"}
        value = getattr(login.user, of_user[field], None) if field in of_user else None
        return None if value is None else str(value)


class _Asker(_Asked):
    """The user who runs the program that asks: root, but for su, sudo and their like."""

    def _is(self, name: str) -> bool:
        return self._may(f"{name} as the caller")

    def _in_group(self, name: str) -> bool:
        return self.login.world.has_group(name) and self._may(f"a caller in {name}")

    def _uid_below(self, limit: int) -> bool:
        return self._may(f"a caller whose uid is below {limit}")

    def _text(self, field: str) -> str | None:
        return super()._text(field) if field in {"service", "rhost", "tty"} else None
