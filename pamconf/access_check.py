"""What is wrong in an access file: each way in which pam_access does not do what it seems to say.

The reading is that of Linux-PAM 1.5.2; see `pamconf.access` for what newer ones do otherwise.
"""

import itertools
import re
from collections.abc import Callable, Iterator

from pamconf.access import AccessFile, Line, Malformed, Rule, Word, is_word
from pamconf.access_who import MAPPED, read_address, read_bits, read_network
from pamconf.problem import Kind, Problem, Severity

_Finding = tuple[Severity, str, str]
"""How bad a word is, what it does, and how to mend it."""

_FINAL = "End the file with '- : ALL : ALL'."
_OCTETS = re.compile(r"((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){1,4}")
_TERMINAL = re.compile(r"(tty|pts/|vc/|hvc|console)\S*|:\d+(\.\d+)?")


def check(file: AccessFile, *, group_alone: Callable[[str], bool] | None = None) -> list[Problem]:
    """Return all that is wrong in a file, in the order of its lines.

    `group_alone` is handed over where the module has `nodefgroup`, and tells whether there is a
    group of a name, and no user.
    """
    found = [*_whole(file), *_unreachable(file.rules)]
    for line in file.lines:
        found += _line(line)
    if group_alone:
        found += _bare_groups(file.rules, group_alone)
    return sorted(found, key=lambda problem: (problem.line, problem.column))


# --- The file, and lines as such ---


def _whole(file: AccessFile) -> Iterator[Problem]:
    rules = file.rules
    if any(map(_matches_all, rules)) or (rules and not any(rule.grants for rule in rules)):
        return  # a list of whom it refuses alone is a good list
    last = file.lines[-1].number if file.lines else 1
    if not rules:
        what, severity = "there is no rule: everybody is let in", Severity.ERROR
    elif all(rule.grants for rule in rules):
        what = "no rule refuses anybody: everybody is let in, whether a rule matches or not"
        severity = Severity.ERROR
    else:
        what, severity = "whoever no rule matches is let in", Severity.WARNING
    hint = f"If somebody is not meant to be: {_FINAL}" if severity is Severity.WARNING else _FINAL
    yield Problem(last, 1, 1, what, severity, hint, Kind.UNMATCHED)


def _matches_all(rule: Rule) -> bool:
    return all(
        any(is_word(word.text, "ALL") for word in words) and not any(map(_is_except, words))
        for words in (rule.user_words, rule.origin_words)
    )


def _unreachable(rules: list[Rule]) -> Iterator[Problem]:
    after = itertools.dropwhile(lambda rule: not _matches_all(rule), rules)
    decisive = next(after, None)
    for rule in after:
        what = f"this is never reached: line {decisive and decisive.number} matches everybody"
        hint = "Put it above that line, or take it out."
        finding = (Severity.ERROR, what, hint)
        yield _at(rule, Word(rule.text, rule.column), finding, Kind.UNREACHABLE)


def _bare_groups(rules: list[Rule], group_alone: Callable[[str], bool]) -> Iterator[Problem]:
    for rule in rules:
        for word in rule.user_words:
            if group_alone(word.text):
                what = "there is a group of that name, and no user: with nodefgroup it is no group"
                yield _at(rule, word, (Severity.WARNING, what, f"Write ({word.text})."))


def _line(line: Line) -> Iterator[Problem]:
    if isinstance(line, Malformed):
        harmless = line.text.lstrip().startswith("#")
        severity = Severity.WARNING if harmless else Severity.ERROR
        finding = (severity, f"{line.what}; it is passed over", line.hint)
        yield _at(line, line.where, finding, Kind.PASSED_OVER)
    elif isinstance(line, Rule):
        yield from _rule(line)


def _rule(rule: Rule) -> Iterator[Problem]:
    if rule.column != 1:
        what = "this is the rest of a line that is too long, and read as a rule of its own"
        yield _at(rule, Word(rule.text, rule.column), (Severity.ERROR, what, "Break the line."))
    if rule.permission.column != rule.column:
        what = "the line begins with a separator: it refuses, whatever the first field says"
        yield _at(rule, Word(rule.text[0], rule.column), (Severity.ERROR, what, "Take it out."))
    elif rule.permission.text[1:].strip():
        what = f"only the first character counts, {rule.permission.text[0]}"
        yield _at(rule, rule.permission, (Severity.ERROR, what, "Leave + or - alone there."))
    yield from _list(rule, rule.users, rule.user_words, _user)
    yield from _list(rule, rule.origins, rule.origin_words, _origin)


def _list(
    rule: Rule, field: Word, words: list[Word], finding_of: Callable[[str], _Finding | None]
) -> Iterator[Problem]:
    if not words or _is_except(words[0]):
        what = "nothing stands before EXCEPT" if words else "the list is empty"
        what += ": the rule matches nobody"
        yield _at(rule, words[0] if words else field, (Severity.ERROR, what, "Write ALL there."))
    for word in words:
        finding = _any_word(word.text) or finding_of(word.text)
        if finding:
            yield _at(rule, word, finding)
    for word, following in itertools.zip_longest(words, words[1:]):
        if _is_except(word) and (following is None or _is_except(following)):
            what = "nothing stands behind this EXCEPT: there is no exception"
            yield _at(rule, word, (Severity.ERROR, what, "Name the exceptions, or take it out."))


def _is_except(word: Word) -> bool:
    return is_word(word.text, "EXCEPT")


def _at(line: Line, where: Word, finding: _Finding, kind: Kind = Kind.MISREAD) -> Problem:
    severity, what, hint = finding
    width = max(1, len(where.text))
    return Problem(line.number, where.column, width, what, severity, hint, kind)


# --- Words ---


def _any_word(text: str) -> _Finding | None:
    if text.startswith("#"):
        what = "this is no comment: all that follows is read as part of the list"
        return Severity.ERROR, what, "Put comments on lines of their own, with # in column 1."
    if text != text.strip():
        what = "blanks are part of this word, which is compared with them"
        return Severity.ERROR, what, "Take them out, or have listsep= split at them."
    for keyword in ("ALL", "EXCEPT"):
        if is_word(text, keyword) and text != keyword:
            return Severity.NOTE, f"this is {keyword}, whatever its case", f"Write {keyword}."
    return None


def _user(text: str) -> _Finding | None:
    if text.startswith("(") or text.endswith(")"):
        return _group(text)
    if "@" in text.lstrip("@"):
        what = "what follows the @ is this machine, not where the user comes from"
        return Severity.WARNING, what, "Say where users come from in the third field."
    if is_word(text, "LOCAL") or read_address(text.partition("/")[0]):
        what = "this is an origin among the users: only a user of that name would match"
        return Severity.ERROR, what, "Users stand in the second field, origins in the third."
    if text.isdecimal():
        what = "this is a name; from Linux-PAM 1.7.0 on it is a user's number"
        return Severity.WARNING, what, "Write the user's name."
    return None


def _group(text: str) -> _Finding | None:
    if re.fullmatch(r"\(.+\)", text, re.DOTALL):
        return None
    what = "this is no (group): it matches nobody"
    return Severity.ERROR, what, "Write a group's name in parentheses, without blanks."


def _origin(text: str) -> _Finding | None:
    if is_word(text, "ALL") or is_word(text, "EXCEPT") or text.startswith("@"):
        return None
    if is_word(text, "LOCAL"):
        what = "LOCAL is who has no remote host: sudo, su, and lightdm with a remote screen too"
        return Severity.NOTE, what, "See that no display manager serves XDMCP or VNC."
    if is_word(text, "NONE"):
        what = "NONE matches nobody who has a host, a terminal or a service"
        return Severity.ERROR, what, "LOCAL is who has no remote host."
    if read_address(text.partition("/")[0]):
        return _network(text)
    return _name(text)


def _network(text: str) -> _Finding | None:
    head, slash, end = text.partition("/")
    network, bits = read_network(text), read_bits(end)
    if network is None:
        what = f"/{end} is no prefix of this address: it matches nobody"
        return Severity.ERROR, what, "A prefix is 1 to 32 bits for IPv4, 1 to 128 for IPv6."
    if slash and network.mask is None:
        what = f"/{end} is no mask: this matches {head} alone"
        hint = "For all addresses, write ALL; or 0.0.0.0/0.0.0.0 for those of IPv4, ::/:: of IPv6."
        return Severity.ERROR, what, hint
    if bits is not None and end != str(bits):
        what = f"/{end} is read as /{bits}"
        return Severity.ERROR, what, f"Write /{bits}, or what was meant, in plain decimals."
    if network.address[:12] == MAPPED:
        what = "this matches who comes from IPv4 inside IPv6, and nobody from IPv4 itself"
        return Severity.WARNING, what, "Write the address of IPv4."
    return None


def _name(text: str) -> _Finding | None:
    if _OCTETS.fullmatch(text) or _TERMINAL.fullmatch(text):
        return None
    if not any(char.isalnum() for char in text):
        what = "this matches nobody; the third field goes on to the end of the line"
        return Severity.ERROR, what, "A line has three fields: permission : users : origins."
    if text.endswith(".") or "/" in text or re.fullmatch(r"[0-9.]+|[0-9a-fA-F.]*:.*", text):
        what = "this is neither an address nor a network: it matches nobody"
        return Severity.ERROR, what, "Write 10.1.2.3, 10.1.2.0/24, 10.1.2. or 2001:db8::/32."
    if "." in text or text == "localhost":
        what = "a name matches who comes from a host that is known by it: never where sshd does"
        what += " not look names up, and whoever owns that address's reverse DNS otherwise"
        return Severity.WARNING, what, "Write addresses or networks."
    return None
