"""Checks of the access files that pam_access goes by, and of what LOCAL means where."""

from collections.abc import Iterator
from functools import partial

from pamconf import access, access_check, accounts, logins
from pamconf.access import AccessFile, Options
from pamconf.access_who import Names, Origin, who
from pamconf.errors import PamconfError, UnreadableError
from pamconf.lint.check import check
from pamconf.lint.finding import Found, Place, at_argument, at_module
from pamconf.lint.subject import Subject
from pamconf.login import NOBODY
from pamconf.models.gates import access_files
from pamconf.places import OUTSIDE, is_never_remote, reads_access_file
from pamconf.problem import Kind, Problem, Severity
from pamconf.stack import Rule
from pamconf.tree import Kind as FileKind

_NAMED = "accessfile="
_ASKED_BY_OTHERS = ("polkit-1", "runuser", "runuser-l", "su", "su-l", "sudo", "sudo-i")
"""Services for who is logged in already, wherever from."""


@check("PAM501", "missing-access-file", Severity.ERROR)
def missing_access_file(one: Subject) -> Iterator[Found]:
    """pam_access lets everybody through where its file is not there, or is a folder.

    In a rule that skips the code, nobody is asked for one then.

    Mend the name, or make the file, and end it with `- : ALL : ALL`.

    Bad:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth [success=1 default=ignore] pam_access.so accessfile=/etc/security/lan.conf
        auth required pam_google_authenticator.so
        account required pam_unix.so

    Good:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth [success=1 default=ignore] pam_access.so accessfile=/etc/security/lan.conf
        auth required pam_google_authenticator.so
        account required pam_unix.so
        ## /etc/security/lan.conf
        + : ALL : 192.168.1.0/24
        - : ALL : ALL
    """
    for rule in _access_rules(one):
        path = access.read_options(rule.arguments).accessfile
        kind = one.machine.files.kind(path)
        if kind in {FileKind.NOTHING, FileKind.FOLDER}:
            what = "is a folder" if kind is FileKind.FOLDER else "is not there"
            place = _named(rule)
            yield Found(place, f"{path} {what}: everybody is let through", f"Make {path}.")


def _access_rules(one: Subject) -> Iterator[Rule]:
    return (rule for rule in one.called if rule.name == "pam_access")


def _named(rule: Rule) -> Place:
    """Return the place of the argument that names the access file, or else the module's."""
    named = [at for at, one in enumerate(rule.arguments) if one.startswith(_NAMED)]
    return at_argument(rule, named[-1]) if named else at_module(rule)


@check("PAM502", "unmatched-let-in", Severity.ERROR)
def unmatched_let_in(one: Subject) -> Iterator[Found]:
    """Whoever no line of an access file matches is let through by pam_access.

    A file with nothing but lines of `+` lets everybody through, and so does an empty one. Nothing
    is said of the file that Linux-PAM comes with, as long as it has only remarks.

    Mend it with a last line `- : ALL : ALL`, and a newline behind it.

    Bad:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth [success=1 default=ignore] pam_access.so accessfile=/etc/security/lan.conf
        auth required pam_google_authenticator.so
        account required pam_unix.so
        ## /etc/security/lan.conf
        + : ALL : 192.168.1.0/24

    Good:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth [success=1 default=ignore] pam_access.so accessfile=/etc/security/lan.conf
        auth required pam_google_authenticator.so
        account required pam_unix.so
        ## /etc/security/lan.conf
        + : ALL : 192.168.1.0/24
        - : ALL : ALL
    """
    yield from _problems(one, Kind.UNMATCHED)


@check("PAM503", "access-line-passed-over", Severity.ERROR)
def access_line_passed_over(one: Subject) -> Iterator[Found]:
    """pam_access passes over a line that it cannot read, as if it were not there.

    It does so with a line that begins with a blank, has two fields only, is too long, or is the
    last one and has no newline at its end. If that line is the one that refuses, nobody is refused.

    Mend the line.

    Bad:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth [success=1 default=ignore] pam_access.so accessfile=/etc/security/lan.conf
        auth required pam_google_authenticator.so
        account required pam_unix.so
        ## /etc/security/lan.conf
        + : ALL : 192.168.1.0/24
         - : ALL : ALL

    Good:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth [success=1 default=ignore] pam_access.so accessfile=/etc/security/lan.conf
        auth required pam_google_authenticator.so
        account required pam_unix.so
        ## /etc/security/lan.conf
        + : ALL : 192.168.1.0/24
        - : ALL : ALL
    """
    yield from _problems(one, Kind.PASSED_OVER)


@check("PAM504", "access-line-unreachable", Severity.ERROR)
def access_line_unreachable(one: Subject) -> Iterator[Found]:
    """A line of an access file stands below one that matches everybody, and is never reached.

    The first line that matches decides.

    Mend the order.

    Bad:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        account required pam_access.so accessfile=/etc/security/who.conf
        account required pam_unix.so
        ## /etc/security/who.conf
        - : ALL : ALL
        + : alice : ALL

    Good:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        account required pam_access.so accessfile=/etc/security/who.conf
        account required pam_unix.so
        ## /etc/security/who.conf
        + : alice : ALL
        - : ALL : ALL
    """
    yield from _problems(one, Kind.UNREACHABLE)


@check("PAM505", "access-line-misread", Severity.ERROR)
def access_line_misread(one: Subject) -> Iterator[Found]:
    """Something in a line of an access file means something else to pam_access.

    A `#` behind a field begins no comment: what follows is read as more origins. `0.0.0.0/0`
    matches nobody. `/024` is /20, since it is octal. The caret is below the word.

    Mend it as the line below says.

    Bad:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth [success=1 default=ignore] pam_access.so accessfile=/etc/security/lan.conf
        auth required pam_google_authenticator.so
        account required pam_unix.so
        ## /etc/security/lan.conf
        + : ALL : 10.0.0.0/24 # once it was 8.8.8.8
        - : ALL : ALL

    Good:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth [success=1 default=ignore] pam_access.so accessfile=/etc/security/lan.conf
        auth required pam_google_authenticator.so
        account required pam_unix.so
        ## /etc/security/lan.conf
        # once it was 8.8.8.8
        + : ALL : 10.0.0.0/24
        - : ALL : ALL
    """
    yield from _problems(one, Kind.MISREAD)


def _problems(one: Subject, kind: Kind) -> Iterator[Found]:
    for rule in _access_rules(one):
        options = access.read_options(rule.arguments)
        files = [*_files(rule, options, one)]
        for file in files:
            for problem in _checked(file, options, one):
                is_last = file is files[-1]
                if problem.severity is Severity.NOTE or problem.kind is not kind:
                    continue
                if kind is not Kind.UNMATCHED or (is_last and not _is_untouched(file, rule)):
                    place = Place(file.path or "", problem.line, problem.column, problem.width)
                    yield Found(place, problem.message, problem.hint, problem.severity)


def _is_untouched(file: AccessFile, rule: Rule) -> bool:
    """Tell whether it is the file that Linux-PAM comes with, which keeps out nobody, and may so."""
    return file.path == Options().accessfile and not file.rules and not _is_skip(rule)


def _is_skip(rule: Rule) -> bool:
    """Tell whether a rule lets somebody skip what follows, and is not there to keep people out."""
    action = rule.control["success"]
    return isinstance(action, int) or action == "done"


def _checked(file: AccessFile, options: Options, one: Subject) -> list[Problem]:
    alone = partial(accounts.is_group_alone, root=one.machine.root)
    return access_check.check(file, group_alone=alone if options.nodefgroup else None)


def _files(rule: Rule, options: Options, one: Subject) -> Iterator[AccessFile]:
    """Yield the files that pam_access goes by, one after the other, as far as they can be read."""
    for path in access_files(rule, one.machine.files):
        try:
            text = one.machine.files.read(path)
            yield access.parse(text, path, options.fieldsep, options.listsep)
        except UnreadableError:
            raise
        except PamconfError:  # PAM501 tells of it
            continue


@check("PAM506", "local-is-everybody", Severity.ERROR)
def local_is_everybody(one: Subject) -> Iterator[Found]:
    """LOCAL lets those skip the code who come from far away, where nobody tells PAM from where.

    A login without a remote host is LOCAL. sudo and su never say one, also to somebody who came by
    SSH. Display managers do not either, not even of screens that they serve to other machines by
    XDMCP or VNC, and so it is with xrdp before 0.10. For those without a remote screen it is no
    mistake, and nothing is said.

    Mend it by taking LOCAL out for that service, or by having the display manager serve no screens.

    Bad:

        ## /etc/pam.d/lightdm
        auth required pam_unix.so
        auth [success=1 default=ignore] pam_access.so accessfile=/etc/security/skip.conf
        auth required pam_google_authenticator.so
        account required pam_unix.so
        ## /etc/security/skip.conf
        + : ALL : LOCAL
        - : ALL : ALL
        ## /etc/lightdm/lightdm.conf
        [XDMCPServer]
        enabled=true

    Good:

        ## /etc/pam.d/lightdm
        auth required pam_unix.so
        auth [success=1 default=ignore] pam_access.so accessfile=/etc/security/skip.conf
        auth required pam_google_authenticator.so
        account required pam_unix.so
        ## /etc/security/skip.conf
        + : ALL : LOCAL
        - : ALL : ALL
        ## /etc/lightdm/lightdm.conf
        [XDMCPServer]
        enabled=false
    """
    if not is_never_remote(one.service.name) or not one.second_factors:
        return
    for rule in one.service.rules("auth"):
        is_skip = rule in one.second_factors or _is_skip(rule)
        if reads_access_file(rule) and is_skip and _grants_local(rule, one):
            found = _why_not_local(one)
            if found:
                severity, why = found
                hint = "Name users or networks instead of LOCAL, or use another file here."
                yield Found(_named(rule), f"LOCAL is everybody here: {why}", hint, severity)


def _grants_local(rule: Rule, one: Subject) -> bool:
    """Tell whether the file lets anybody skip who has no remote host, but not who has one."""
    local, remote = (_granted(rule, one, rhost) for rhost in (None, OUTSIDE[0]))
    return local and not remote


def _granted(rule: Rule, one: Subject, rhost: str | None) -> bool:
    options = access.read_options(rule.arguments)
    origin = Origin(rhost, "tty1", one.service.name)
    for file in _files(rule, options, one):
        decision = who(file, NOBODY, (), origin, Names(), nodefgroup=options.nodefgroup)
        if decision.rule:
            return decision.granted
    return rule.name == "pam_access"  # whom no line matches is let through by that one alone


def _why_not_local(one: Subject) -> tuple[Severity, str] | None:
    name = one.service.name
    if name.startswith("xrdp"):
        return Severity.WARNING, "xrdp before 0.10 does not say from where somebody comes"
    for manager in ("lightdm", "gdm"):
        for found in logins.remote_displays(one.machine.root):
            if name.startswith(manager) and manager in found.path:
                served = f"{found.what} ({found.path}:{found.line})"
                return Severity.ERROR, f"{served} serves other machines"
    if name in _ASKED_BY_OTHERS:
        return Severity.WARNING, f"{name} never says from where somebody comes"
    return None
