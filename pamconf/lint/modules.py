"""Checks of modules: that they are there, load, and take what they are told."""

from collections.abc import Iterable, Iterator

from pamconf import loading
from pamconf.control import Action
from pamconf.lint.check import check
from pamconf.lint.finding import Found, at_argument, at_module, at_type
from pamconf.lint.machine import shell_path
from pamconf.lint.subject import Subject
from pamconf.nearest import nearest
from pamconf.problem import Severity
from pamconf.stack import Rule

_PREFIX = "pam_"
_NEVER_MEANT = {"debug", "deny", "permit", "rootok", "warn"}

_UNKNOWN = "module_unknown"
"""What libpam takes the answer of a module for that it cannot load, or that lacks the function."""

_FAILS = ("bad", "die", "ok", "done")
"""What makes that answer, which is none that lets in, the one of the whole stack."""


@check("PAM101", "missing-module", Severity.ERROR)
def missing_module(one: Subject) -> Iterator[Found]:
    """A module that is not there refuses everybody who comes to its rule.

    A dash before the type (`-auth`) only keeps that out of the log. The rule is harmless where its
    control makes nothing of the value `module_unknown`: `optional` and `sufficient` do so. Without
    a dash, each login is then a line in the log.

    Mend the name, or install the package that has the module: on Debian, `apt-file search NAME.so`
    tells which. Before a module is removed, take out the lines that name it.

    Bad:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth required pam_gogle_authenticator.so
        account required pam_unix.so

    Good:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth required pam_google_authenticator.so
        account required pam_unix.so
    """
    if not one.machine.folders:
        return
    for rule in one.called:
        if one.machine.module_path(rule) is None:
            yield from _missing(rule, one)


def _missing(rule: Rule, one: Subject) -> Iterator[Found]:
    fails = rule.control[_UNKNOWN] in _FAILS
    if rule.silent and not fails:
        return
    message = f"{rule.module} is not there: {_effect(rule.control[_UNKNOWN])}"
    if rule.silent:
        message += "; the dash only keeps that out of the log"
    hint = _misspelt(rule.name, one.machine.signatures)
    hint = hint or "Install what it is part of, or take the line out."
    yield Found(at_module(rule), message, hint, None if fails else Severity.WARNING)


def _misspelt(name: str, known: Iterable[str]) -> str | None:
    """Ask whether another module was meant, but never one that lets in, or that anything may be."""
    if name in known:
        return None
    bare = {one.removeprefix(_PREFIX) for one in known} - _NEVER_MEANT
    near = nearest(name.removeprefix(_PREFIX), bare, alike=0.8)
    return f"Did you mean '{_PREFIX}{near}'?" if near else None


def _effect(action: Action) -> str:
    """Say what becomes of a login where a rule cannot be run."""
    if action in _FAILS:
        return "this rule refuses everybody"
    if isinstance(action, int):
        return f"this rule only jumps over {action}"
    return "this rule does nothing, and each login is logged"


@check("PAM102", "module-does-not-load", Severity.ERROR)
def module_does_not_load(one: Subject) -> Iterator[Found]:
    """A module that cannot be loaded refuses everybody, like one that is not there.

    It may be for another architecture, lack a library, or be a damaged file. On the machine itself
    each module is loaded to see; of an image's only the beginning of the file is looked at.

    Mend it by installing the module's package again; `ldd FILE` tells which library is missing.

    Bad:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth required pam_google_authenticator.so
        account required pam_unix.so
        ## /usr/lib/x86_64-linux-gnu/security/pam_google_authenticator.so
        Not Found

    Good:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth required pam_google_authenticator.so
        account required pam_unix.so
    """
    errors = {path: _load_error(path, one) for path in one.modules}
    for rule in one.called if any(errors.values()) else ():
        path = one.machine.module_path(rule)
        error = errors[path] if path else None
        if error:
            effect = _effect(rule.control[_UNKNOWN])
            severity = None if rule.control[_UNKNOWN] in _FAILS else Severity.WARNING
            named = shell_path(str(path), one.machine)
            hint = f"Install its package again; 'ldd {named}' may tell what it lacks."
            yield Found(at_module(rule), f"{error}: {effect}", hint, severity)


def _load_error(path: str, one: Subject) -> str | None:
    if path in one.loaded:
        said = one.loaded[path].error
        return f"it does not load: {said}" if said else None
    return None if loading.looks_like_one(path, one.machine.files) else f"{path} is no module"


@check("PAM103", "wrong-type", Severity.ERROR)
def wrong_type(one: Subject) -> Iterator[Found]:
    """A module that has no function for a type of rules refuses everybody there.

    pam_nologin, for one, answers auth and account, but not session; pam_google_authenticator
    answers auth alone. libpam takes it for the value `module_unknown`.

    Mend the type; what a module answers is in its manual, under MODULE TYPES PROVIDED.

    Bad:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        account required pam_unix.so
        account required pam_google_authenticator.so

    Good:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth required pam_google_authenticator.so
        account required pam_unix.so
    """
    for rule in one.called:
        types = _types(rule, one)
        if types and rule.type not in types:
            fails = rule.control[_UNKNOWN] in _FAILS
            effect = _effect(rule.control[_UNKNOWN])
            message = f"{rule.name} has nothing for rules of type {rule.type}: {effect}"
            answers = " and ".join(sorted(types))
            hint = f"It is for {answers}. Change the type, or take the line out."
            yield Found(at_type(rule), message, hint, None if fails else Severity.WARNING)


def _types(rule: Rule, one: Subject) -> frozenset[str]:
    """Return the types that a module answers; empty where nobody knows."""
    path = one.machine.module_path(rule) if one.loaded else None
    if path and path in one.loaded:
        return one.loaded[path].types
    signature = one.machine.signatures.get(rule.name)
    return signature.types if signature else frozenset()


@check("PAM104", "unknown-argument", Severity.ERROR)
def unknown_argument(one: Subject) -> Iterator[Found]:
    """A misspelt argument is passed over by most modules, and the door stands otherwise than meant.

    `accesfile=` has pam_access go by /etc/security/access.conf instead, which by itself lets
    everybody through. Some modules refuse everybody, such as pam_google_authenticator. It is a
    warning where the argument is like none that the module knows.

    Mend the argument; the module's manual has all of them.

    Bad:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth [success=1 default=ignore] pam_access.so accesfile=/etc/security/lan.conf
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
    for rule in one.called:
        signature = one.machine.signatures.get(rule.name)
        if signature and signature.arguments:
            for misread in signature.arguments(rule.arguments):
                place = at_argument(rule, misread.index)
                yield Found(place, misread.message, misread.hint, misread.severity)
