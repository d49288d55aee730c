"""The control field of a rule: what is done with each value that a module can return.

    control  = "required" | "requisite" | "sufficient" | "optional" | "include" | "substack"
             | "[" *(return "=" action) "]"
    return   = one of RETURNS, or "default"
    action   = "ignore" | "ok" | "done" | "bad" | "die" | "reset" | 1*DIGIT

Sources: pam.conf(5); libpam/pam_misc.c:_pam_parse_control and libpam/pam_tokens.h of Linux-PAM.
"""

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

RETURNS = (
    "success",
    "open_err",
    "symbol_err",
    "service_err",
    "system_err",
    "buf_err",
    "perm_denied",
    "auth_err",
    "cred_insufficient",
    "authinfo_unavail",
    "user_unknown",
    "maxtries",
    "new_authtok_reqd",
    "acct_expired",
    "session_err",
    "cred_unavail",
    "cred_expired",
    "cred_err",
    "no_module_data",
    "conv_err",
    "authtok_err",
    "authtok_recover_err",
    "authtok_lock_busy",
    "authtok_disable_aging",
    "try_again",
    "ignore",
    "abort",
    "authtok_expired",
    "module_unknown",
    "bad_item",
    "conv_again",
    "incomplete",
)
"""What a module can return, in the order of PAM's numbers (pam.conf(5) spells them so)."""

ACTIONS = ("ignore", "ok", "done", "bad", "die", "reset")

Action = str | int
"""One of ACTIONS, or how many rules to jump over. A number below 1 is a jump that always fails."""

_KEYWORDS: dict[str, tuple[str, str]] = {  # what success and new_authtok_reqd do, and the rest
    "required": ("ok", "bad"),
    "requisite": ("ok", "die"),
    "optional": ("ok", "ignore"),
    "sufficient": ("done", "ignore"),
}
_IGNORES_IGNORE = ("required", "requisite")

INCLUDES = ("include", "substack")
KEYWORDS = (*_KEYWORDS, *INCLUDES)
"""What can stand in the place of brackets, in whatever case."""

_BLANKS = re.compile(r"[ \t\n\v\f\r]*")
_DIGITS = re.compile(r"[0-9]+")
_VALUES = re.compile("|".join((*RETURNS, "default")))  # libpam does not look where a word ends
_UNSET = -6  # libpam's number for a value that nothing was said about


@dataclass(frozen=True)
class Flaw:
    """What is wrong with a control, and at which character of its text (from 0)."""

    message: str
    offset: int


@dataclass(frozen=True)
class Control(Mapping[str, Action]):
    """What to do with each of RETURNS.

    `text` is the field as it is read, without its brackets; `keyword` the keyword in small
    letters, if it is one; `flaw` why libpam understands it as "all is bad", if it does.
    """

    text: str
    actions: tuple[Action, ...]
    keyword: str | None = None
    flaw: Flaw | None = None

    def __getitem__(self, value: str) -> Action:
        return self.actions[_NUMBERS[value]]

    def __iter__(self) -> Iterator[str]:
        return iter(RETURNS)

    def __len__(self) -> int:
        return len(RETURNS)

    @property
    def includes(self) -> bool:
        """Whether it names another file in the place of a module."""
        return self.keyword in INCLUDES


_NUMBERS = {name: number for number, name in enumerate(RETURNS)}
_ALL_BAD: tuple[Action, ...] = ("bad",) * len(RETURNS)


@functools.lru_cache(maxsize=1024)
def parse(text: str) -> Control:
    """Return what a control field means to libpam; it never fails, for libpam does not either.

    A field that it cannot read is one in which every value is bad.
    """
    keyword = text.lower() if text.isascii() else text
    if keyword in _KEYWORDS:
        good, other = _KEYWORDS[keyword]
        actions = [other] * len(RETURNS)
        actions[_NUMBERS["success"]] = actions[_NUMBERS["new_authtok_reqd"]] = good
        if keyword in _IGNORES_IGNORE:
            actions[_NUMBERS["ignore"]] = "ignore"
        return Control(text, tuple(actions), keyword)
    if keyword in INCLUDES:
        return Control(text, _ALL_BAD, keyword)
    try:
        return Control(text, tuple(_pairs(text)))
    except _Unreadable as unreadable:
        return Control(text, _ALL_BAD, flaw=unreadable.flaw)


def bad(text: str = "") -> Control:
    """Return the control of a rule that has none: every value is bad."""
    return Control(text, _ALL_BAD)


class _Unreadable(Exception):  # noqa: N818 - it is caught where it was asked for
    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.flaw = Flaw(message, offset)


def _pairs(text: str) -> list[Action]:
    numbers = [_UNSET] * len(RETURNS)
    at = _skip(text, 0)
    while at < len(text):
        value, at = _value(text, at)
        at = _skip(text, at)
        if text[at : at + 1] != "=":
            raise _Unreadable("'=' is expected here", at)
        number, at = _action(text, _skip(text, at + 1))
        if value == "default":
            numbers = [number if before == _UNSET else before for before in numbers]
        else:
            numbers[_NUMBERS[value]] = number
        at = _skip(text, at)
    return ["bad" if number == _UNSET else _named(number) for number in numbers]


def _skip(text: str, at: int) -> int:
    blanks = _BLANKS.match(text, at)
    assert blanks is not None  # noqa: S101 - it matches the empty string
    return blanks.end()


def _value(text: str, at: int) -> tuple[str, int]:
    if found := _VALUES.match(text, at):
        return found[0], found.end()
    raise _Unreadable("a return value is expected here", at)


def _action(text: str, at: int) -> tuple[int, int]:
    for number, name in enumerate(ACTIONS):
        if text.startswith(name, at):
            return -number, at + len(name)
    digits = _DIGITS.match(text, at)
    if not digits:
        raise _Unreadable("an action is expected here, or a number of rules to jump over", at)
    number = (
        int(digits[0][-32:]) + 2**31
    ) % 2**32 - 2**31  # a C int, as it overflows in practice (10**32 is a multiple of 2**32)
    if number == 0:
        raise _Unreadable("a jump goes over one rule at least; 'ignore' goes over none", at)
    return number, digits.end()


def _named(number: int) -> Action:
    return ACTIONS[-number] if -len(ACTIONS) < number <= 0 else number
