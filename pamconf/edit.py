"""Changing a file of pam.d: one rule is other than before, and every other byte is the same.

    file = edit.insert(file, "auth required pam_doorward.so", after=edit.module("pam_unix"))

Each function returns a new File and writes nothing. What is there already is not put in again.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace as replaced

from pamconf import blocks, lines
from pamconf.blocks import Marks
from pamconf.errors import UsageError
from pamconf.lines import Entry
from pamconf.stack import File

Match = Callable[[Entry], bool]
"""Says whether a line is the one that is meant."""

_FIELDS = re.compile(rb"(\s*)(-?\S+)(\s+)(\[(?:\\\]|[^\]])*\]|\S+)(\s+)(\S+)([^\n]*)")


def module(name: str, type_: str | None = None) -> Match:
    """Match the rules of a module, "pam_unix"; only those of one type, if that is given."""

    def matches(entry: Entry) -> bool:
        if not entry.target or entry.included:
            return False
        return lines.module_name(entry.target.text) == name and type_ in (None, entry.type)

    return matches


def include(name: str, type_: str | None = None) -> Match:
    """Match what puts a file in its place: @include, include or substack of "common-auth"."""

    def matches(entry: Entry) -> bool:
        is_type = entry.is_include or type_ in (None, entry.type)
        found = entry.included
        return bool(found) and is_type and found.rpartition("/")[2] == name

    return matches


def insert(
    file: File,
    rule: str,
    *,
    after: Match | None = None,
    before: Match | None = None,
    at_end: bool = False,
) -> File:
    """Return the file with a rule in it: after the last match, before the first, or at the end.

    Raises UsageError where nothing matches, or not exactly one place is given.
    """
    if [after is not None, before is not None, at_end].count(True) != 1:
        raise UsageError("a rule goes after something, or before something, or at the end")
    new = _parsed(rule)
    if any(_same(entry, new) for entry in file.entries):
        return file
    places = range(len(file.entries))
    if after is not None:
        place = _found(file, after)[-1] + 1
    elif before is not None:
        place = _found(file, before)[0]
    else:
        place = len(places)
    near = min(
        (at for at in places if file.entries[at].fields),
        key=lambda at: (abs(at - place + (after is not None)), at),
        default=None,
    )
    model = file.entries[near].raw if near is not None else b""
    return _joined(file, place, place, _styled(new, model))


def replace(file: File, what: Match, rule: str) -> File:
    """Return the file with this rule in the place of the one that matches; UsageError if none."""
    at = _found(file, what)[0]
    new = _parsed(rule)
    if _same(file.entries[at], new):
        return file
    return _joined(file, at, at + 1, _styled(new, file.entries[at].raw))


def rename_module(file: File, line: int, module_: str) -> File:
    """Return the file with another module in the rule that begins in a line, all else the same.

    Raises UsageError where no rule of a module begins there, or where its name is cannot be told.
    """
    for at, entry in enumerate(file.entries):
        if entry.line == line and entry.target and not entry.is_include:
            old = lines.bytes_of(entry.target.text)
            raw = entry.raw.replace(old, lines.bytes_of(module_), 1)
            means = [_texts(one) for one in file.entries]
            means[at][2] = module_
            head, tail = file.entries[:at], file.entries[at + 1 :]
            return _made(file, lines.render(head) + raw + lines.render(tail), means)
    raise UsageError(f"{file.path}: no rule of a module begins in line {line}")


def remove(file: File, what: Match) -> File:
    """Return the file without the rules that match; the same file where none does."""
    kept = [entry for entry in file.entries if not (entry.fields and what(entry))]
    return _made(file, lines.render(kept), [_texts(entry) for entry in kept])


def insert_block(file: File, rules: Sequence[str], marks: Marks, *, at: int) -> File:
    """Return the file with a block of rules in front of its entry `at`; see pamconf.blocks.

    They mean what they say there: a line that is joined to the next one, or too long, raises
    UsageError.
    """
    head, tail = file.entries[:at], file.entries[at:]
    new = [entry for rule in rules for entry in lines.parse(_parsed(rule).raw + b"\n")]
    place = len(lines.render(head))
    content = blocks.insert(file.content, rules, marks, file.path, at=place)
    return _made(file, content, [_texts(entry) for entry in (*head, *new, *tail)])


def without_block(file: File, marks: Marks) -> File:
    """Return the file without its block of rules; the same where there is none."""
    content = blocks.without(file.content, marks, file.path)
    return replaced(file, entries=lines.parse(content)) if content != file.content else file


def _parsed(rule: str) -> Entry:
    content = lines.bytes_of(rule.strip())
    entries = lines.parse(content)
    if len(entries) != 1 or not entries[0].fields or not _FIELDS.fullmatch(content):
        raise UsageError(f"not one whole rule: {rule!r}")
    return entries[0]


def _same(one: Entry, other: Entry) -> bool:
    return _texts(one) == _texts(other)


def _texts(entry: Entry) -> list[str]:
    return [field.text for field in entry.fields]


def _found(file: File, what: Match) -> list[int]:
    found = [at for at, entry in enumerate(file.entries) if entry.fields and what(entry)]
    if not found:
        raise UsageError(f"{file.path}: there is no such rule")
    return found


def _styled(new: Entry, model: bytes) -> bytes:
    """Return a rule with blanks between its fields as they are in the line `model`."""
    said, like = _FIELDS.fullmatch(new.raw), _FIELDS.match(model)
    assert said is not None  # noqa: S101 - _parsed has seen to it
    first, control, module_, rest = said[2], said[4], said[6], said[7]
    if not like or b"\n" in like[0]:
        return b" ".join((first, control, module_)) + rest + b"\n"
    line = like[1] + first
    line += _gap(line, like[3], like.end(3)) + control
    line += _gap(line, like[5], like.end(5)) + module_
    return line + rest + b"\n"


def _gap(line: bytes, like: bytes, column: int) -> bytes:
    """Return the blanks after `line`: as there, or as many as bring the next field to a column."""
    if len(like) == 1 or b"\t" in like:
        return like
    return b" " * max(1, column - len(line))


def _joined(file: File, begin: int, end: int, new: bytes) -> File:
    head, tail = file.entries[:begin], file.entries[end:]
    content = lines.render(head)
    if content and not content.endswith(b"\n"):
        content += b"\n"
    means = [_texts(entry) for entry in (*head, *lines.parse(new), *tail)]
    return _made(file, content + new + lines.render(tail), means)


def _made(file: File, content: bytes, means: list[list[str]]) -> File:
    """Return the file with that content, which must mean what is meant: lines can swallow others.

    A backslash at the end of a file, or a line too long for libpam, would.
    """
    entries = lines.parse(content)
    same = [_texts(entry) for entry in entries if entry.fields] == [said for said in means if said]
    if not same or any(entry.unfinished for entry in file.entries):
        raise UsageError(
            f"{file.path}: a line that is joined to the next one, or too long, would spoil this",
            hint="Mend that line first.",
        )
    return replaced(file, entries=entries)
