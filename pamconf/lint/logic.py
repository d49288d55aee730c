"""Checks of what becomes of logins: each is a way in which a second factor is not what it seems."""

from collections.abc import Iterator, Sequence

from pamconf.explain import Decision
from pamconf.explore import Way
from pamconf.lint.check import check
from pamconf.lint.finding import Found, Place, at_argument, at_rule
from pamconf.lint.subject import Subject
from pamconf.login import DIRECTORIES, WRONG
from pamconf.models.passwords import EMAIL, PASSWORD
from pamconf.models.second_factor import CODE, FACT, KEY, PASSWORD_AND_CODE
from pamconf.models.succeed_if import conditions
from pamconf.places import reads_access_file
from pamconf.problem import Severity
from pamconf.sentences import place, who
from pamconf.simulate import Visit, jump
from pamconf.stack import Rule

_FACTORS = {CODE, KEY, PASSWORD_AND_CODE}
_TELLING = (FACT, "origin")
"""Facts that let in nobody by themselves: whoever set a service up meant something to be asked."""

_ASKING = {*DIRECTORIES, "pam_unix"}
"""Modules that nobody writes down who does not want a password to be asked."""

_SAY_WHO = (*_TELLING, "account", "gid", "group", "home", "shell", "uid", "user")
"""Beginnings of the names of facts that are no proof of who it is."""


@check("PAM201", "nobody-says-yes", Severity.ERROR)
def nobody_says_yes(one: Subject) -> Iterator[Found]:
    """Who skips the code is refused where no other rule says yes.

    A skip, by `nullok`, an access file or a jump, is no yes: the module then has no say. If no rule
    has one, libpam refuses. It happens where the code is all that is asked.

    Mend it by asking for a password above. `auth required pam_permit.so` below is right only where
    something else has been asked before, such as a key by sshd: by itself, it lets everybody in.

    Bad:

        ## /etc/pam.d/sshd
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
    if not one.second_factors:
        return
    for way in one.right_ways:
        auth = way.outcomes[0]
        if auth.status == "perm_denied" and auth.visits and auth.decided is None:
            rule = auth.visits[-1].rule
            message = f"{_whoever(way)} is refused, for no rule says yes to them"
            hint = "Have a password asked above. pam_permit would let them in with nothing asked."
            yield Found(at_rule(rule), message, hint)
            return


def _whoever(way: Way) -> str:
    facts = [value for name, value in way.facts.items() if name not in way.asked]
    return f"who logs in {', '.join(facts)}" if facts else "everybody"


@check("PAM202", "nothing-is-asked", Severity.ERROR)
def nothing_is_asked(one: Subject) -> Iterator[Found]:
    """Somebody gets in without a right answer.

    Either what is typed makes no difference (`optional` before a password's module, say, and a
    `pam_permit` behind it), or the rules let in by `nullok` or by an address alone: `sufficient`
    before pam_access lets in whoever comes from there, with no password.

    Mend it by asking for a password before, with `required`. For a skip, let the rule jump over the
    code only: `[success=1 default=ignore]`.

    Bad:

        ## /etc/pam.d/sshd
        auth required pam_google_authenticator.so nullok
        auth required pam_permit.so
        account required pam_unix.so

    Good:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth required pam_google_authenticator.so nullok
        account required pam_unix.so
    """
    for decision in (decision for door in one.doors for decision in door.decisions):
        if decision.is_open and _is_meant_to_ask(decision, one):
            about = who(decision)
            if decision.asked:
                message = f"{about}: whatever is typed at '{decision.asked[0]}' lets in"
            else:
                message = f"{about}: gets in with nothing asked"
            rules = decision.because or one.service.rules("auth")
            yield Found(at_rule(rules[-1]), message, "Have a password asked, by a required rule.")
            return


def _is_meant_to_ask(decision: Decision, one: Subject) -> bool:
    """Tell whether something should be asked: not of root by su, or of anonymous users by FTP."""
    facts = [fact.name for fact in decision.facts]
    if decision.asked:
        return decision.asked != (EMAIL,)
    if any(name in _TELLING for name in facts):
        return all(name.startswith(_SAY_WHO) for name in facts)
    asking = _ASKING | one.machine.second_factors
    return not facts and any(rule.name in asking for rule in one.service.rules("auth"))


@check("PAM203", "sufficient-above-code", Severity.ERROR)
def sufficient_above_code(one: Subject) -> Iterator[Found]:
    """A rule that ends the stack with success stands above the one that asks for a second factor.

    Whoever has the right password is in before the code is asked: nobody ever types one. Worse,
    whoever has not may get in by the code alone.

    Mend it by making the rule above `required`, or put the second factor before it.

    Bad:

        ## /etc/pam.d/sshd
        auth sufficient pam_unix.so
        auth required pam_google_authenticator.so
        account required pam_unix.so

    Good:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth required pam_google_authenticator.so
        account required pam_unix.so
    """
    for rule, visit in _never_come_to(one):
        if not isinstance(visit.action, int):
            message = f"it lets in before {rule.name} ({place(rule)}) asks: nobody types a code"
            yield Found(at_rule(visit.rule), message, "Make it 'required'.")


@check("PAM204", "jump-over-code", Severity.ERROR)
def jump_over_code(one: Subject) -> Iterator[Found]:
    """A jump goes over the rule that asks for a second factor, for everybody who gets in.

    A jump counts the rules of files that are included as well. So `success=2` at the end of an
    included file goes over the first line behind the include, which is where the code is asked.

    Nothing is said where that is by an access file, at a door that is used at the machine alone.

    Mend the number of the jump, or put the second factor where the jump lands.

    Bad:

        ## /etc/pam.d/sshd
        @include common-auth
        auth required pam_google_authenticator.so
        auth required pam_permit.so
        account required pam_unix.so
        ## /etc/pam.d/common-auth
        auth [success=2 default=ignore] pam_unix.so
        auth requisite pam_deny.so

    Good:

        ## /etc/pam.d/sshd
        @include common-auth
        auth required pam_google_authenticator.so
        auth required pam_permit.so
        account required pam_unix.so
        ## /etc/pam.d/common-auth
        auth [success=1 default=ignore] pam_unix.so
        auth requisite pam_deny.so
    """
    for rule, visit in _never_come_to(one):
        known = _is_by_place(visit.rule, one) or [*_missing_groups(visit.rule, one)]
        if isinstance(visit.action, int) and not known:
            message = f"it jumps over {rule.name} ({place(rule)}): nobody is asked for a code"
            yield Found(at_rule(visit.rule), message, "Let it jump over fewer rules.")


def _is_by_place(rule: Rule, one: Subject) -> bool:
    """Tell whether an access file lets skip who is at the machine, at a door that is only there."""
    return reads_access_file(rule) and not any(at.is_remote for at in one.world.places.values())


def _never_come_to(one: Subject) -> Iterator[tuple[Rule, Visit]]:
    """Yield the second factors that nobody comes to who gets in, and where they go by instead."""
    passing = [way.outcomes[0] for way in one.right_ways if way.outcomes[0].status == "success"]
    rules = one.service.rules("auth")
    for at, rule in enumerate(rules):
        if rule not in one.second_factors:
            continue
        if passing and not any(visit.index == at for out in passing for visit in out.visits):
            yield rule, [visit for visit in passing[0].visits if visit.index < at][-1]


@check("PAM205", "missing-group", Severity.ERROR)
def missing_group(one: Subject) -> Iterator[Found]:
    """A group that is not there decides for everybody, and nobody is asked for the second factor.

    `notingroup` of such a group is true of everybody, `ingroup` of nobody. Where a jump over the
    second factor hangs on it, a misspelt group, or one that was never made, opens the door.

    Mend it by making the group, or by turning the rule round: a group of those who are **not**
    asked fails closed.

    Bad:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth [success=1 default=ignore] pam_succeed_if.so user notingroup twofactor
        auth required pam_google_authenticator.so
        account required pam_unix.so

    Good:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth [success=1 default=ignore] pam_succeed_if.so user ingroup without-code
        auth required pam_google_authenticator.so
        account required pam_unix.so
    """
    rules = one.service.rules("auth")
    for at, rule in enumerate(rules):
        for index, names, returned in _missing_groups(rule, one):
            passed = [*_passed_over(rules, at, returned)]
            if any(second in passed for second in one.second_factors):
                message = f"there is no group {names}, so that nobody is asked for the code"
                hint = (
                    "'getent group' lists the groups. A group of those who are not asked is safer."
                )
                yield Found(at_argument(rule, index), message, hint)


def _missing_groups(rule: Rule, one: Subject) -> Iterator[tuple[int, str, str]]:
    """Yield the arguments that name groups of which none is there, and what comes of it."""
    if rule.name != "pam_succeed_if":
        return
    for index, _, test, names in conditions(rule.arguments):
        if test in {"ingroup", "notingroup"} and not any(
            one.world.has_group(name) for name in names.split(":")
        ):
            yield index + 2, names, "auth_err" if test == "ingroup" else "success"


def _passed_over(rules: Sequence[Rule], at: int, returned: str) -> Sequence[Rule]:
    """Return the rules that are not run where a rule returns something."""
    action = rules[at].control[returned]
    if isinstance(action, int):
        return rules[at + 1 : jump(rules, at, action)[0] + 1]
    return rules[at + 1 :] if action == "done" else ()


@check("PAM206", "password-is-told", Severity.NOTE)
def password_is_told(one: Subject) -> Iterator[Found]:
    """Whoever guesses passwords sees by the question for the code that one is right.

    A rule that refuses at once (`requisite`, `die`) stands between the password and the second
    factor. So it is on Debian, in common-auth. It opens no door; but a password that is known to be
    right can be tried elsewhere.

    Mend it, where that matters, by asking for both in any case: `auth required pam_unix.so` in the
    service's own file instead of the include.

    Bad:

        ## /etc/pam.d/sshd
        auth requisite pam_unix.so
        auth required pam_google_authenticator.so
        account required pam_unix.so

    Good:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth required pam_google_authenticator.so
        account required pam_unix.so
    """
    for way in one.ways:
        decided = way.outcome.decided
        if not decided or way.facts.get(PASSWORD) != WRONG or _FACTORS & {*way.asked}:
            continue
        if any(_FACTORS & {*right.asked} and _may_become(way, right) for right in one.right_ways):
            message = "a wrong password is refused before the code is asked: so a right one shows"
            hint = (
                "With 'auth required pam_unix.so' in the service's own file instead of an include,"
            )
            hint += " both are asked before anything is refused."
            yield Found(at_rule(decided.rule), message, hint)
            return


def _may_become(way: Way, right: Way) -> bool:
    """Tell whether only the answers need be right for one way to become the other."""
    about = {name: value for name, value in way.facts.items() if name not in way.asked}
    return all(right.facts.get(name) == value for name, value in about.items())


@check("PAM207", "nobody-gets-in", Severity.ERROR)
def nobody_gets_in(one: Subject) -> Iterator[Found]:
    """Something is asked, and everybody is refused whatever they answer.

    Mend the rule that refuses.

    Bad:

        ## /etc/pam.d/sshd
        auth sufficient pam_unix.so
        auth requisite pam_deny.so
        account required pam_deny.so

    Good:

        ## /etc/pam.d/sshd
        auth sufficient pam_unix.so
        auth requisite pam_deny.so
        account required pam_unix.so
    """
    decisions = [decision for door in one.doors for decision in door.decisions]
    for decision in decisions:
        if any(other.gets_in for other in decisions):
            return
        if decision.asked and decision.decided:
            why = "".join(f"; {note}" for note in decision.notes)
            message = f"nobody gets in: all are asked, and refused here{why}"
            yield Found(at_rule(decision.decided), message, "See why this rule refuses.")
            return


@check("PAM208", "either-is-enough", Severity.WARNING)
def either_is_enough(one: Subject) -> Iterator[Found]:
    """The password alone lets in, and so does the code alone: each is a door of its own.

    A code has six digits; what makes it safe is the password beside it.

    Mend it with `required` for both. Where one of them is meant to be enough, silence this.

    Bad:

        ## /etc/pam.d/sshd
        auth sufficient pam_google_authenticator.so
        auth required pam_unix.so
        account required pam_unix.so

    Good:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth required pam_google_authenticator.so
        account required pam_unix.so
    """
    for decision in (decision for door in one.doors for decision in door.decisions):
        keys = [{*key} for key in decision.keys]
        if any(PASSWORD in key and CODE not in key for key in keys) and any(
            CODE in key and PASSWORD not in key for key in keys
        ):
            rule = next((rule for rule in decision.askers if rule in one.second_factors), None)
            message = "the code alone lets in, and so does the password alone"
            if rule:
                yield Found(at_rule(rule), message, "Make both 'required'.")
                return


@check("PAM209", "not-followed", Severity.NOTE)
def not_followed(one: Subject) -> Iterator[Found]:
    """Logins can go more ways than can be followed, so checks of what becomes of them are left out.

    It happens where much hangs on modules that nobody has described, or on many groups.

    Bad:

        ## /etc/pam.d/sshd
        auth optional pam_one.so
        auth optional pam_two.so
        auth optional pam_three.so
        auth optional pam_four.so
        auth optional pam_five.so
        auth optional pam_six.so
        auth optional pam_seven.so
        auth optional pam_eight.so
        auth optional pam_nine.so
        auth optional pam_ten.so
        auth optional pam_eleven.so
        auth optional pam_twelve.so
        auth optional pam_thirteen.so
        auth required pam_unix.so
        account required pam_unix.so

    Good:

        ## /etc/pam.d/sshd
        auth optional pam_one.so
        auth required pam_unix.so
        account required pam_unix.so
    """
    if one.too_much:
        path = one.service.path or next(iter(one.service.files), "")
        hint = "Ask about one login, of a user and from an address: that can be followed."
        yield Found(Place(path), one.too_much.message, hint)
