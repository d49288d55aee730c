"""Checks of the lines as such: what libpam reads otherwise than it is meant."""

import re
from collections.abc import Iterator

from pamconf.control import ACTIONS, KEYWORDS, RETURNS
from pamconf.lines import BUFFER, TYPES, Entry, Field
from pamconf.lint.check import check
from pamconf.lint.finding import Found, Place, at_control, at_module, at_rule, at_type
from pamconf.lint.machine import shell_path
from pamconf.lint.reach import is_shut, unreached
from pamconf.lint.subject import Subject
from pamconf.nearest import meant
from pamconf.problem import Severity
from pamconf.simulate import following
from pamconf.stack import File, Rule

_FALLBACK = "pam_deny"
"""Stands where nobody should come to: that it is not reached is what it is for."""

_WORD = re.compile(r"[A-Za-z_]+")
_ZERO = re.compile(r"0+(?![0-9])")


@check("PAM001", "unreadable-control", Severity.ERROR)
def unreadable_control(one: Subject) -> Iterator[Found]:
    """A control that libpam cannot read makes the rule fail, whatever its module returns.

    One misspelt word between the brackets, and every value is `bad`: who has the right password is
    refused all the same. Words there are in small letters, and have to be those of pam.conf(5);
    keywords without brackets may be written in capitals.

    Mend the word at the caret.

    Bad:

        ## /etc/pam.d/sshd
        auth [sucess=ok default=bad] pam_unix.so
        account required pam_unix.so

    Good:

        ## /etc/pam.d/sshd
        auth [success=ok default=bad] pam_unix.so
        account required pam_unix.so
    """
    for rule in _flawed(one):
        flaw = rule.control.flaw
        if flaw and not _jumps_over_none(rule.control.text, flaw.offset):
            message = f"{flaw.message}: this rule fails, whatever {rule.name} returns"
            word = _WORD.match(rule.control.text, flaw.offset)
            near = meant(word[0], (*RETURNS, *ACTIONS, "default", *KEYWORDS)) if word else None
            hint = near or "pam.conf(5) has the words that can stand here."
            yield Found(at_control(rule, flaw.offset), message, hint)


@check("PAM002", "jump-of-none", Severity.ERROR)
def jump_of_none(one: Subject) -> Iterator[Found]:
    """A jump over 0 rules is none that libpam knows: the rule fails, whatever its module returns.

    Mend it with `ignore`, which goes on to the next rule, or `ok`, which also agrees.

    Bad:

        ## /etc/pam.d/sshd
        auth [success=0 default=die] pam_unix.so
        auth required pam_permit.so
        account required pam_unix.so

    Good:

        ## /etc/pam.d/sshd
        auth [success=ignore default=die] pam_unix.so
        auth required pam_permit.so
        account required pam_unix.so
    """
    for rule in _flawed(one):
        flaw = rule.control.flaw
        if flaw and _jumps_over_none(rule.control.text, flaw.offset):
            message = f"a jump over 0 rules: this rule fails, whatever {rule.name} returns"
            hint = "'ignore' goes on to the next rule, 'ok' agrees and goes on."
            yield Found(at_control(rule, flaw.offset), message, hint)


def _flawed(one: Subject) -> Iterator[Rule]:
    return (rule for rule in one.rules if rule.control.flaw and not rule.fault)


def _jumps_over_none(control: str, offset: int) -> bool:
    return _ZERO.match(control, offset) is not None


@check("PAM003", "jump-too-far", Severity.ERROR)
def jump_too_far(one: Subject) -> Iterator[Found]:
    """A jump over more rules than follow refuses, and what follows is run all the same.

    Rules of the same type count, those of included files too; a substack counts as one, and no jump
    leaves the substack that it stands in. A jump to just behind the last rule is no mistake: it
    ends the stack.

    Mend the number. It is often one that was right before a rule was taken out.

    Bad:

        ## /etc/pam.d/sshd
        auth [success=3 default=ignore] pam_unix.so
        auth requisite pam_deny.so
        auth required pam_permit.so
        account required pam_unix.so

    Good:

        ## /etc/pam.d/sshd
        auth [success=1 default=ignore] pam_unix.so
        auth requisite pam_deny.so
        auth required pam_permit.so
        account required pam_unix.so
    """
    for type_ in TYPES:
        rules = one.service.rules(type_)
        for rule, there in zip(rules, following(rules), strict=True):
            for over in {action for action in rule.control.actions if isinstance(action, int)}:
                if not 1 <= over <= there and not rule.fault:
                    message = _too_far(over, there)
                    hint = "Count the rules of this type that follow, up to the one to go on at."
                    yield Found(at_control(rule), message, hint)


def _too_far(over: int, there: int) -> str:
    if over < 1:
        return f"a jump over {over} rules always fails"
    follow = "rule follows" if there == 1 else "rules follow"
    return f"it jumps over {over} rules, but {there or 'no'} {follow}: that fails, and refuses"


@check("PAM004", "incomplete-rule", Severity.ERROR)
def incomplete_rule(one: Subject) -> Iterator[Found]:
    """A line without a type, a control or a module that libpam knows is a rule that always fails.

    It is not passed over. With a misspelt type it counts among the auth rules.

    Mend the line, or put a `#` before it.

    Bad:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        acount required pam_unix.so
        account required pam_permit.so

    Good:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        account required pam_unix.so
        account required pam_permit.so
    """
    for rule in one.rules:
        if rule.fault and not rule.control.includes and not _is_include(rule):
            type_ = rule.entry.type if rule.entry else ""
            hint = "A rule is a type, a control, a module, and its arguments: pam.conf(5)."
            message = f"{rule.fault}: this is a rule of type {rule.type} that always fails"
            near = None if type_ in TYPES else meant(type_, TYPES)
            yield Found(at_type(rule), message, near or hint)


def _is_include(rule: Rule) -> bool:
    """Tell whether the line names another file, which could not be read."""
    entry = rule.entry
    return entry is not None and (entry.is_include or entry.control.includes)


@check("PAM005", "missing-file", Severity.ERROR)
def missing_file(one: Subject) -> Iterator[Found]:
    """A file that is to be included, and is not there, is a rule that always fails.

    `include` and `substack` of a missing file refuse with perm_denied. A missing `@include` has
    libpam give up the whole service: nobody gets in.

    Mend the name, or take the line out. Debian's own files are called `common-auth` and so on,
    Fedora's `system-auth` and `password-auth`: lines copied from one do not work on the other.

    Bad:

        ## /etc/pam.d/sshd
        auth include system-auth
        account required pam_unix.so

    Good:

        ## /etc/pam.d/sshd
        auth include common-auth
        account required pam_unix.so
        ## /etc/pam.d/common-auth
        auth required pam_unix.so
    """
    for rule in one.rules:
        if rule.fault and _is_include(rule):
            message = f"{rule.fault}: this rule refuses everybody who comes to it"
            is_gone = rule.fault.endswith("no such file")
            hint = "Mend the name, or take the line out." if is_gone else "Take the line out."
            yield Found(at_module(rule), message, hint)


@check("PAM006", "service-given-up", Severity.ERROR)
def service_given_up(one: Subject) -> Iterator[Found]:
    r"""Some mistakes have libpam give up the whole service, or crash: nobody gets in.

    They are a missing `@include`, a last line that ends in a backslash, a file that includes
    itself, an include that names no file, and a module whose name is none.

    Mend the line; until then keep a session open, for no new one can be had.

    Bad:

        ## /etc/pam.d/sshd
        @include common-auht
        account required pam_unix.so

    Good:

        ## /etc/pam.d/sshd
        @include common-auth
        account required pam_unix.so
        ## /etc/pam.d/common-auth
        auth required pam_unix.so
    """
    abort = one.service.abort
    if abort:
        message = f"{abort.message}: nobody gets in"
        place = Place(abort.path or f"/etc/pam.d/{one.service.name}", abort.line)
        yield Found(place, message, "Mend this line before anything else.")


@check("PAM007", "line-too-long", Severity.ERROR)
def line_too_long(one: Subject) -> Iterator[Found]:
    r"""A line of more than 1022 bytes is read as several rules before Linux-PAM 1.6.

    What is beyond is taken for a line of its own, and so for a rule that always fails.

    Mend it by breaking the line, with a backslash at the end of each piece but the last; or use
    fewer arguments. That joins up to 1022 bytes; more has the whole service given up.

    Bad:

        ## /etc/pam.d/sshd
        auth required pam_unix.so # {1000 blanks} so the end of this remark is a rule
        account required pam_unix.so

    Good:

        ## /etc/pam.d/sshd
        # so that the end of this remark is no rule
        auth required pam_unix.so
        account required pam_unix.so
    """
    for file in one.service.files.values():
        for entry, rest in zip(file.entries, file.entries[1:], strict=False):
            if not entry.raw.endswith(b"\n") and not entry.unfinished:
                message = f"only {BUFFER - 1} bytes are read at once: the rest is a rule of its own"
                place = Place(file.path, entry.line)
                hint = "Break the line with a backslash, or put the remark on a line of its own."
                yield Found(place, message, hint, None if rest.fields else Severity.WARNING)


@check("PAM008", "unreachable-rule", Severity.WARNING)
def unreachable_rule(one: Subject) -> Iterator[Found]:
    """A rule that nothing leads to is never run: what it asks for is not asked.

    What can be returned is taken into account only for pam_permit, pam_deny and lines that always
    fail; any other module may return anything. Nothing is said of a pam_deny, which is a
    fallback, or of what stands below one that switches the service off.

    Mend the order, or take the rule out.

    Bad:

        ## /etc/pam.d/sshd
        auth sufficient pam_permit.so
        auth required pam_unix.so
        account required pam_unix.so

    Good:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        account required pam_unix.so
    """
    for type_ in TYPES:
        rules = one.service.rules(type_)
        for first, last in () if is_shut(rules) else unreached(rules):
            if all(rule.name == _FALLBACK for rule in rules[first : last + 1]):
                continue
            rule, others = rules[first], last - first
            also = f", nor the {others} behind it" if others else ""
            hint = f"See what {rules[first - 1].name} above it returns, and what is done with that."
            yield Found(at_rule(rule), f"nothing leads to this rule{also}", hint)


@check("PAM009", "carriage-return", Severity.ERROR)
def carriage_return(one: Subject) -> Iterator[Found]:
    r"""A line end of Windows is a byte of the last word: libpam does not know such an argument.

    Where the module is the last word, it is not found, and the rule fails.

    Mend the file with `sed -i 's/\r$//' FILE`.

    Bad:

        ## /etc/pam.d/sshd
        auth required pam_unix.so\r
        account required pam_unix.so

    Good:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        account required pam_unix.so
    """
    for file in one.service.files.values():
        for entry in file.entries:
            spoilt = [field for field in entry.fields if field.text.endswith("\r")]
            for field in spoilt[-1:]:
                message = "the line ends as on Windows: the last word has a carriage return in it"
                place, path = _field(file, field), shell_path(file.path, one.machine)
                yield Found(place, message, f"Run: sed -i 's/\\r$//' {path}")


@check("PAM010", "swallowed-rule", Severity.ERROR)
def swallowed_rule(one: Subject) -> Iterator[Found]:
    r"""A backslash at the end of a line makes the next one a part of it, a rule too.

    The rule below is then only arguments of the one above, and is not run.

    Mend it by taking the backslash out.

    Bad:

        ## /etc/pam.d/sshd
        auth required pam_unix.so \
        auth required pam_google_authenticator.so
        account required pam_unix.so

    Good:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth required pam_google_authenticator.so
        account required pam_unix.so
    """
    for file in one.service.files.values():
        for entry in file.entries:
            for field in _swallowed(entry):
                message = f"this is no rule: line {entry.line} goes on here, and takes it for"
                message += " arguments"
                hint = f"Take out the backslash at the end of line {field.line - 1}."
                yield Found(_field(file, field), message, hint)


def _swallowed(entry: Entry) -> Iterator[Field]:
    """Yield what begins a line like a rule does, but is an argument."""
    last = entry.line
    for field in entry.arguments:
        if field.line > last and field.text.removeprefix("-").lower() in TYPES:
            yield field
        last = field.line


def _field(file: File, field: Field) -> Place:
    return Place(file.path, field.line, field.column, max(1, len(field.text)))
