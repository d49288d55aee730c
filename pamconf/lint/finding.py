"""What a check finds, and where."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pamconf.lines import Field
from pamconf.problem import Severity
from pamconf.stack import Rule

_BLANKS = " \t\r"


@dataclass(frozen=True)
class Place:
    """Where something is: `width` characters of a file from a line and a column, both from 1.

    `line` is None where it is about a file as such, or about what stands nowhere in it; a `width`
    of 0 means the whole line.
    """

    path: str
    line: int | None = None
    column: int = 1
    width: int = 0

    def within(self, text: str) -> "Place":
        """Return the place with a width that its line has: all that stands there, if it is 0."""
        left = len(text) - self.column + 1
        if self.width and left > 0:
            return replace(self, width=min(self.width, left))
        indent = len(text) - len(text.lstrip(_BLANKS))
        width = len(text.rstrip(_BLANKS)) - indent
        return replace(self, column=indent + 1 if width > 0 else 1, width=max(1, width))


@dataclass(frozen=True)
class Found:
    """What is wrong at a place.

    `message` is one line, without a full stop, on what happens in practice; `hint` says how to mend
    it. `severity` is None where it is the check's own.
    """

    place: Place
    message: str
    hint: str
    severity: Severity | None = None


@dataclass(frozen=True)
class Finding:
    """The same, as it is shown: with the check's code and name, and the line's text.

    `services` are those whose logins it concerns.
    """

    code: str
    name: str
    severity: Severity
    place: Place
    text: str
    message: str
    hint: str
    services: tuple[str, ...]


def merged(findings: Iterator[Finding]) -> list[Finding]:
    """Return each finding once, with all its services, in the order of files and lines."""
    services: dict[Finding, dict[str, None]] = {}
    for one in findings:
        services.setdefault(replace(one, services=()), {}).update(dict.fromkeys(one.services))
    once = [replace(one, services=tuple(names)) for one, names in services.items()]
    return sorted(once, key=_position)


def _position(one: Finding) -> tuple[str, int, int, str]:
    return one.place.path, one.place.line or 0, one.place.column, one.code


def at_rule(rule: Rule) -> Place:
    """Return the place of a whole rule: from its first field to the end of that line's last."""
    fields = [field for field in _fields(rule) if field.line == rule.line]
    last = fields[-1] if fields else None
    width = last.column + len(last.text) - rule.column if last else 1
    return Place(rule.path, rule.line, rule.column, max(1, width))


def at_type(rule: Rule) -> Place:
    """Return the place of a rule's type."""
    return _at(rule, 0)


def at_control(rule: Rule, offset: int = 0) -> Place:
    """Return the place of a rule's control, or of what stands at a character of it (from 0)."""
    place = _at(rule, 1)
    if not offset:
        return place
    return replace(place, column=place.column + offset, width=max(1, place.width - offset))


def at_module(rule: Rule) -> Place:
    """Return the place of a rule's module, or of the file that it includes."""
    return _at(rule, 1 if rule.entry and rule.entry.is_include else 2)


def at_argument(rule: Rule, index: int) -> Place:
    """Return the place of one of a rule's arguments (from 0)."""
    return _at(rule, 3 + index)


def _at(rule: Rule, index: int) -> Place:
    fields = _fields(rule)
    if index >= len(fields):
        return at_rule(rule)
    field = fields[index]
    return Place(rule.path, field.line, field.column, max(1, len(field.text)))


def _fields(rule: Rule) -> tuple[Field, ...]:
    return rule.entry.fields if rule.entry else ()
