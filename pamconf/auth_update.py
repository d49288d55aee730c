"""The block that pam-auth-update owns in Debian's common-*, and what has been edited in it.

    file = *any PRIMARY *rule FALLBACK *any ADDITIONAL *rule END *any

The names stand for comments that a line begins with (MARKERS). The rules between them come from
packages' profiles. Once one of the five files is edited there, pam-auth-update leaves all five
alone, and no profile is added or removed any more. It does not mind:

- arguments that are added, changed or removed, even a comment behind a rule: it keeps them;
- a rule that is gone: it takes the profile for switched off, or writes the rule again where another
  rule of the profile still stands;
- other white space behind type or module, and another number in brackets, if it is the first;
- whatever stands above PRIMARY, between FALLBACK and ADDITIONAL, or below END.

All else is an edit: one more line, even if it is empty or a comment; another order; another
control, module or type (`-auth` too); other white space between control and module; a marker that
is gone.

Source: /usr/sbin/pam-auth-update of Debian's libpam-runtime 1.5.2 (diff_profiles,
create_from_template, parse_pam_profile).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from pamconf import lines
from pamconf.errors import FileError
from pamconf.lines import bytes_of, module_name, printable, text_of
from pamconf.stack import File
from pamconf.tree import Files

KINDS = ("auth", "account", "password", "session", "session-noninteractive")
"""The files with a block: common-auth and so on."""

MARKERS = (
    b'# here are the per-package modules (the "Primary" block)',
    b"# here's the fallback if no module succeeds",
    b'# and here are more per-package modules (the "Additional" block)',
    b"# end of pam-auth-update config",
)

_PATHS = {f"/etc/pam.d/common-{kind}": kind for kind in KINDS}
_RECORDS = {kind: f"/var/lib/pam/{kind}" for kind in KINDS}
_PROFILES = ("/usr/share/pam-configs/*", "/usr/share/pam-configs/.*")

_IN_BLOCK = (1, 3)
"""How many markers are above the lines that are pam-auth-update's."""

_NO_PROFILE = "null"
_STOCK = b"[default=1]\t\t\tpam_permit.so"
"""What is written where no profile has a rule for the Primary block."""

_INVALID = b"pam_tally"
"""A profile with this in its rules is passed over."""

_LEFT = re.compile(r"~$|^#.+#$")
"""Names of what editors leave; it is not read as a profile."""

_FIELD = re.compile(rb"(\S+):\s+(.*)")
_HEAD = re.compile(rb"(\[[^]]+\]|\w+)\s+\S+")
_NUMBER = re.compile(rb"[^[]*+(\[[^0-9]*+)([0-9]++).*\]")


@dataclass(frozen=True)
class Edit:
    """A place in the block where it is other than pam-auth-update left it.

    `line` counts from 1; of what is gone it says where that should stand. `message` is one line,
    without a full stop.
    """

    line: int
    message: str


@dataclass(frozen=True)
class _Known:
    """A rule of a profile, without its type and without the jump that is worked out anew."""

    profile: str
    text: bytes

    @cached_property
    def head(self) -> bytes | None:
        """What a line must begin with: control and module. None where that is not found."""
        found = _HEAD.match(self.text)
        return found[0] if found else None

    @cached_property
    def module(self) -> str:
        """The module's name."""
        return _module(_entry(b"auth " + self.text))

    @cached_property
    def control(self) -> list[str]:
        """The words of the control."""
        return _control(_entry(b"auth " + self.text))


@dataclass(frozen=True)
class _Line:
    """A line of the block: where it stands, itself, and what is behind the file's type in it."""

    number: int
    raw: bytes
    text: bytes


def is_owned(file: File) -> bool:
    """Whether there is a block in the file, or what is left of one: any of its markers."""
    return any(line.startswith(MARKERS) for line in file.content.split(b"\n"))


def is_within(file: File, at: int) -> bool:
    """Tell whether the place in front of an entry is among lines that pam-auth-update writes."""
    passed = 0
    for entry in file.entries[:at]:
        passed += entry.raw.startswith(MARKERS[passed : passed + 1])
    return passed in _IN_BLOCK


def edits(file: File, files: Files) -> list[Edit]:
    """Return why pam-auth-update no longer writes a file; nothing where it still does.

    Only the five common-* of /etc/pam.d have a block, and an edit in one of them stops it from
    writing any. `files` has its record of what it wrote, in /var/lib/pam. Where that is missing,
    as in an image that was made of packages, rules that are in no profile are edits; where there
    are no profiles either, nothing is.
    """
    kind = _PATHS.get(file.path)
    if kind is None:
        return []
    record = _text(files, _RECORDS[kind])
    rules = _profiles(files, kind) if record is None else _record(record)
    is_lost = record is None and _is_lost(files, kind)
    if record is None and not is_lost and not rules:
        return []
    content = _lines(file.content)
    places = _places(content)
    if None in places:
        return list(_gone(places, len(content)))
    if is_lost:
        message = f"pam-auth-update's record of it, {_RECORDS[kind]}, is gone"
        return [Edit(places[0] or 1, message)]
    type_ = kind.removesuffix("-noninteractive")
    block = _block(content, type_)
    found = _unknown(block, rules) if record is None else _changed(block, rules)
    return [Edit(line.number, _difference(line, type_, rules)) for line in found]


def _text(files: Files, path: str) -> bytes | None:
    try:
        return bytes_of(files.read(path))
    except FileError:
        return None


def _is_lost(files: Files, kind: str) -> bool:
    """Whether this record is not there, and another one is."""
    records = {*files.glob("/var/lib/pam/*")} & {*_RECORDS.values()}
    return bool(records) and _RECORDS[kind] not in records


def _lines(content: bytes) -> list[bytes]:
    """Return the lines of a file, without their ends."""
    found = content.split(b"\n")
    return found if found[-1] else found[:-1]


# --- Markers --------------------------------------------------------------------------------------


def _places(content: Sequence[bytes]) -> list[int | None]:
    """Return the number of the line that each marker is in, as they follow each other."""
    places: list[int | None] = []
    at = 0
    for marker in MARKERS:
        rest = enumerate(content[at:], at + 1)
        place = next((number for number, line in rest if line.startswith(marker)), None)
        places.append(place)
        at = place or at
    return places


def _gone(places: Sequence[int | None], last: int) -> Iterator[Edit]:
    """Yield the markers that are gone, each at the next one that is there."""
    if not any(places):
        yield Edit(1, "the markers of pam-auth-update's block are gone")
        return
    for index, marker in enumerate(MARKERS):
        if places[index] is None:
            where = next((place for place in places[index:] if place), last)
            yield Edit(where, f"the marker {text_of(marker)!r} is gone")


def _block(content: Sequence[bytes], type_: str) -> Iterator[_Line]:
    """Yield the lines that are pam-auth-update's.

    The type may stand before the second marker, too (diff_profiles).
    """
    prefix = re.compile(rb"%b\s+" % type_.encode())
    passed = 0
    for number, raw in enumerate(content, 1):
        text = prefix.sub(b"", raw, count=1) if prefix.match(raw) else raw
        if (text if passed == 1 else raw).startswith(MARKERS[passed : passed + 1]):
            passed += 1
        elif passed in _IN_BLOCK:
            yield _Line(number, raw, text)


# --- Rules ----------------------------------------------------------------------------------------


def _changed(block: Iterable[_Line], record: Sequence[_Known]) -> Iterator[_Line]:
    """Yield the lines that are not in the record, or not after the one before them."""
    at = 0
    for line in block:
        after = _after(line.text, record, at)
        if after is None:
            yield line
        else:
            at = after


def _unknown(block: Iterable[_Line], rules: Sequence[_Known]) -> Iterator[_Line]:
    """Yield the lines that are none of these rules."""
    for line in block:
        if all(_after(line.text, [rule], 0) is None for rule in rules):
            yield line


def _after(text: bytes, record: Sequence[_Known], at: int) -> int | None:
    """Return where the record goes on behind a line that is in it at `at` or later.

    A number is taken out of the line at every rule that it is compared with. Where a rule of the
    record is none, Perl still has in $1 what matched before, which at first is nothing.
    """
    captured = b""
    for index in range(at, len(record)):
        head = record[index].head
        if head is None:
            head = captured
        captured = head
        if number := _NUMBER.match(text):
            captured = number[1]
            text = _without(number)
        if text.startswith(head):
            return index + 1
    return None


def _without(number: re.Match[bytes]) -> bytes:
    """Return the text that a number was found in, without the number."""
    return number.string[: number.start(2)] + number.string[number.end(2) :]


def _template(text: bytes) -> bytes:
    """Return a profile's rule without the jump that is worked out: a number, then an `end`."""
    if number := _NUMBER.match(text):
        text = _without(number)
    before, bracket, rest = text.partition(b"[")
    inside, close, after = rest.rpartition(b"]")
    left, _, right = inside.rpartition(b"end")
    return before + bracket + left + right + close + after


def _record(content: bytes) -> list[_Known]:
    """Return the rules that pam-auth-update wrote, in their order."""
    rules = []
    profile = _NO_PROFILE
    for line in _lines(content):
        if line.startswith(b"Module: "):
            profile = text_of(line.removeprefix(b"Module: "))
        else:
            rules.append(_Known(profile, _template(line)))
    return rules


def _profiles(files: Files, kind: str) -> list[_Known]:
    """Return the rules of all profiles for a file, or none where there is no profile at all."""
    rules: list[_Known] = []
    paths = [path for pattern in _PROFILES for path in files.glob(pattern)]
    for path in paths:
        profile = path.rpartition("/")[2]
        content = _text(files, path)
        if content is not None and not _LEFT.search(profile):
            rules += [_Known(profile, _template(rule)) for rule in _rules(content, kind)]
    rules = [rule for rule in rules if rule.head is not None]
    return [_Known(_NO_PROFILE, _template(_STOCK)), *rules] if paths else []


def _rules(content: bytes, kind: str) -> list[bytes]:
    """Return the rules of a profile for a file, those included that are for the first place."""
    fields = _fields(content)
    name = kind.capitalize().encode()
    if kind.endswith("-noninteractive") and b"Session-Interactive-Only" not in fields:
        name = b"Session"
    is_used = fields.get(b"disabled", b"0") in {b"", b"0"}
    if not is_used or fields.get(name + b"-Type") not in {b"Primary", b"Additional"}:
        return []
    return [
        rule for each in (name, name + b"-Initial") for rule in fields.get(each, b"").split(b"\n")
    ]


def _fields(content: bytes) -> dict[bytes, bytes]:
    """Return what is in a profile, as parse_pam_profile reads it."""
    fields: dict[bytes, bytes] = {}
    name = b""
    for line in _lines(content):
        if found := _FIELD.match(line + b"\n"):
            name = found[1].removesuffix(b"-Final")
            fields[name] = found[2]
            continue
        more = line.strip()
        value = fields.get(name, b"") + (b"\n" + more if more not in {b"", b"0"} else b"")
        fields[name] = value.lstrip()
        if _INVALID in value:
            fields[b"disabled"] = b"1"
    return fields


# --- What is other --------------------------------------------------------------------------------


def _difference(line: _Line, type_: str, rules: Sequence[_Known]) -> str:
    """Return what is other in a line that is not as pam-auth-update wrote it."""
    if not line.raw.strip():
        return "an empty line, where only profiles' rules may stand"
    if line.raw.lstrip().startswith(b"#"):
        return "a comment, where only profiles' rules may stand"
    number = _NUMBER.match(line.raw)
    entry = _entry(_without(number) if number else line.raw)
    module = _module(entry)
    same = [rule for rule in rules if rule.module == module != ""]
    name = printable(module)
    if not same:
        return "this rule is in no profile"
    if any(_after(line.text, [rule], 0) for rule in same):
        return f"{name} stands in another order than pam-auth-update wrote it, or once more"
    alike = [rule for rule in same if rule.control == _control(entry)]
    what = "control"
    if alike:
        what = "type" if entry.fields[0].text != type_ else "white space"
    profile = (alike or same)[0].profile
    where = "pam-auth-update wrote it" if profile == _NO_PROFILE else f"in its profile {profile!r}"
    return f"the {what} of {name} is other than {where}"


def _entry(line: bytes) -> lines.Entry:
    return lines.parse(line)[0]


def _module(entry: lines.Entry) -> str:
    """Return a module's name as Rule.name does; nothing where there is no module."""
    return module_name(entry.target.text) if entry.target else ""


def _control(entry: lines.Entry) -> list[str]:
    return entry.fields[1].text.split()
