"""Checks of what pam_doorward goes by, beside pamconf's own; and the machine that both look at."""

import time
from collections.abc import Iterable, Iterator

from doorward import native
from doorward.names import names_of
from doorward.pam_models import NAME, WITH_DOORWARD
from pamconf import access, access_strict
from pamconf.errors import PamconfError, UnreadableError
from pamconf.lint import CHECKS, Found, Machine, Place, Subject
from pamconf.lint.check import check
from pamconf.lint.finding import at_argument, at_module
from pamconf.models.second_factor import CODES, SECOND_FACTORS
from pamconf.nearest import meant
from pamconf.places import is_at_the_machine
from pamconf.problem import Severity
from pamconf.signatures import SIGNATURES, Signature
from pamconf.stack import Rule
from pamconf.tree import Root

OPTIONS = (
    "accessfile=",
    "allow_readonly",
    "allowed_perm=",
    "authtok_prompt=",
    "debug",
    "disallow_reuse",
    "echo-verification-code",
    "echo_verification_code",
    "forward_pass",
    "grace_period=",
    "no_increment_hotp",
    "no_strict_owner",
    "noskewadj",
    "nullok",
    "nullok_until=",
    "require_rate_limit=",
    "secret=",
    "try_first_pass",
    "use_first_pass",
    "user=",
)
"""What the module takes, for who has misspelt it; whether it takes something, it says itself."""


def machine(root: Root) -> Machine:
    """Return a machine of which pam_doorward is known as well."""
    return Machine(
        root,
        WITH_DOORWARD,
        {**SIGNATURES, NAME: Signature(frozenset({"auth"}), None)},
        SECOND_FACTORS | {NAME},
        names_of(root),
    )


@check("PAM601", "refused-option", Severity.ERROR)
def refused_option(one: Subject) -> Iterator[Found]:
    """pam_doorward refuses everybody where it does not know an option, or its value is bad.

    A misspelt option must not be an open door. The log says which one it is, too.

    Mend the option; pam_doorward(8) has all of them.

    Bad:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth required pam_doorward.so nulok
        account required pam_unix.so

    Good:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth required pam_doorward.so nullok
        account required pam_unix.so
    """
    for rule in _rules(one):
        refused = native.options(rule.arguments, 0).refused
        if refused is None:
            continue
        name, equals, value = rule.arguments[refused].partition("=")
        if name + equals in OPTIONS and equals:
            message = f"{value!r} is no value of {name}: everybody is refused"
            hint = "pam_doorward(8) says what it takes."
        else:
            message = f"pam_doorward does not know {name + equals!r}: everybody is refused"
            hint = meant(name + equals, OPTIONS) or "pam_doorward(8) has all of its options."
        yield Found(at_argument(rule, refused), message, hint)


@check("PAM602", "skip-file-in-vain", Severity.ERROR)
def skip_file_in_vain(one: Subject) -> Iterator[Found]:
    """With this access file nobody skips the code: pam_doorward reads it whole, or not at all.

    One line that is malformed, a host name, or a comment behind a field, and everybody is asked.
    So it is where the file is not there. It opens no door, but shuts out who has not enrolled.

    Mend the line; `doorward pam access check FILE` says the same of one file.

    Bad:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth required pam_doorward.so accessfile=/etc/security/access-doorward.conf
        account required pam_unix.so
        ## /etc/security/access-doorward.conf
        + : ALL : 192.168.1.0/24
        + : alice : laptop.example

    Good:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth required pam_doorward.so accessfile=/etc/security/access-doorward.conf
        account required pam_unix.so
        ## /etc/security/access-doorward.conf
        + : ALL : 192.168.1.0/24
        + : alice : 192.168.7.1
    """
    for rule in _rules(one):
        path = native.options(rule.arguments, 0).access_file
        if path is None:
            continue
        try:
            file = access.parse(one.machine.files.read(path), path)
        except UnreadableError:
            raise
        except PamconfError as error:
            names = [at for at, text in enumerate(rule.arguments) if text.endswith(f"={path}")]
            message = f"{path}: {error.message}: nobody skips the code"
            yield Found(at_argument(rule, names[-1]), message, "Make it, or mend its name.")
            continue
        for problem in access_strict.check(file, native.access_skips):
            place = Place(path, problem.line, problem.column, problem.width)
            yield Found(place, f"{problem.message}: nobody skips the code", "Mend this line.")


@check("PAM603", "everybody-skips", Severity.ERROR)
def everybody_skips(one: Subject) -> Iterator[Found]:
    """The access file lets everybody skip the code, wherever they come from: it is never asked.

    Nothing is said of a door that is used at the machine alone, where `LOCAL` is meant so.

    Mend the file: `+` only before users and origins that are to be let in without a code.

    Bad:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth required pam_doorward.so accessfile=/etc/security/access-doorward.conf
        account required pam_unix.so
        ## /etc/security/access-doorward.conf
        + : ALL : ALL

    Good:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth required pam_doorward.so accessfile=/etc/security/access-doorward.conf
        account required pam_unix.so
        ## /etc/security/access-doorward.conf
        + : ALL : 192.168.1.0/24
    """
    if is_at_the_machine(one.service.name):
        return
    passing = [way for way in one.right_ways if way.outcomes[0].status == "success"]
    visited = {visit.rule for way in passing for visit in way.outcomes[0].visits}
    is_asked = any(CODES & {*way.asked} for way in passing)
    for rule in _rules(one):
        path = native.options(rule.arguments, int(time.time())).access_file
        if path and rule in visited and not is_asked:
            hint = f"'doorward pam access test {path}' says by which line."
            yield Found(at_module(rule), f"by {path} everybody skips the code", hint)


def _rules(one: Subject) -> Iterable[Rule]:
    return (rule for rule in one.second_factors if rule.name == NAME)


ALL = {
    **CHECKS,
    **{one.code: one for one in (refused_option, skip_file_in_vain, everybody_skips)},
}
"""All checks, by their codes."""
