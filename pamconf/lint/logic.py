"""Checks of what becomes of logins: each is a way in which a second factor is not what it seems."""

import itertools
import re
from collections.abc import Iterator, Sequence

from pamconf.doors import Door
from pamconf.explain import Decision, Fact
from pamconf.explore import Way
from pamconf.lint.check import check
from pamconf.lint.finding import Found, Place, at_argument, at_rule
from pamconf.lint.reach import is_shut
from pamconf.lint.subject import EVERYBODY, Subject
from pamconf.login import DIRECTORIES, ORIGIN, WRONG
from pamconf.models.passwords import EMAIL, PASSWORD
from pamconf.models.second_factor import CODE, FACT, KEY, PASSWORD_AND_CODE
from pamconf.models.succeed_if import conditions
from pamconf.places import is_at_the_machine, reads_access_file
from pamconf.problem import Severity
from pamconf.sentences import place, who
from pamconf.simulate import Visit, jump
from pamconf.stack import Rule

_FACTORS = {CODE, KEY, PASSWORD_AND_CODE}
_TELLING = (FACT, ORIGIN)
"""Facts that let in nobody by themselves: whoever set a service up meant something to be asked."""

_ASKING = {*DIRECTORIES, "pam_unix"}
"""Modules that nobody writes down who does not want a password to be asked."""

_NAMED = re.compile(
    r"^asked by (root|a member of )"
    r"|^from a host that rhosts trusts$"
    r"|^let in at this terminal lately$"
    r"|^in group "
    r"| agrees \("
    r"|^with \S+ (=|in|innetgr|eq) "
    r"|^with \S+ =~ (?!\*$)"
    r"|^with (\S+ as the caller|a caller in |a caller whose uid is below 1$)"
    r"|^which is the account's, too$"
    r"|^while SELinux enforces$"
)
"""What is said of a login that is a proof of who it is, or that names whom it is about."""

DOORS = (
    "cockpit",
    "dovecot",
    "gdm-password",
    "kde",
    "lightdm",
    "login",
    "openvpn",
    "other",
    "polkit-1",
    "remote",
    "sddm",
    "sshd",
    "su",
    "su-l",
    "sudo",
    "sudo-i",
    "vsftpd",
    "xrdp-sesman",
)
"""Services at which something has to be asked, whatever their rules are."""


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
    return f"who logs in {', '.join(way.about.values())}" if way.about else "everybody"


@check("PAM202", "nothing-is-asked", Severity.ERROR)
def nothing_is_asked(one: Subject) -> Iterator[Found]:
    """Somebody gets in without a right answer.

    Either what is typed makes no difference (`optional` before a password's module, say, and a
    `pam_permit` behind it), or the rules let in by `nullok` or by an address alone: `sufficient`
    before pam_access lets in whoever comes from there, with no password.

    Nothing is said of users and groups that the rules name, of root, and of trusted hosts.

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
    for whose, door in one.entrances:
        for decision in door.decisions:
            if decision.is_open and _is_meant_to_ask(decision, one):
                about = who(decision, whose)
                if decision.asked:
                    message = f"{about}: whatever is typed at '{decision.asked[0]}' lets in"
                else:
                    message = f"{about}: gets in with nothing asked"
                rules = decision.because or one.service.rules("auth")
                hint = "Have a password asked, by a required rule."
                yield Found(at_rule(rules[-1]), message, hint)
                return


def _is_meant_to_ask(decision: Decision, one: Subject) -> bool:
    """Tell whether something should be asked: not of root by su, or of anonymous users by FTP.

    Neither is it where whoever wrote the rules has named a user or a group, or trusts a host.
    """
    if decision.asked:
        return decision.asked != (EMAIL,)
    if any(map(_is_named, decision.facts)) or _has_one_uid(decision):
        return False
    if any(fact.name in _TELLING for fact in decision.facts):
        return True
    asking = _ASKING | one.machine.second_factors
    auth = one.service.rules("auth")
    return one.service.name in DOORS or any(rule.name in asking for rule in auth)


def _is_named(fact: Fact) -> bool:
    """Tell whether a fact is a proof of who it is, or is about those whom the rules name."""
    kind, _, name = fact.name.partition(" ")
    if kind == "user" and fact.phrases == (name,):
        return True
    return all(_NAMED.search(phrase) for phrase in fact.phrases)


def _has_one_uid(decision: Decision) -> bool:
    """Tell whether a decision is about one uid: from N on, and below N + 1."""
    said = " ".join(phrase for fact in decision.facts for phrase in fact.phrases)
    first = re.search(r"with a uid from (\d+) on", said)
    return first is not None and f"with a uid below {int(first[1]) + 1}" in said


@check("PAM203", "sufficient-above-code", Severity.ERROR)
def sufficient_above_code(one: Subject) -> Iterator[Found]:
    """A rule that ends the stack with success stands above the one that asks for a second factor.

    Whoever has the right password is in before the code is asked: nobody ever types one. Worse,
    whoever has not may get in by the code alone.

    Mend it by making the rule above `required`; where a pam_deny follows it, by a jump over that,
    or by including the file as a `substack`.

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
    for rule, visit, whom in _never_come_to(one):
        known = visit.rule in one.second_factors or [*_missing_groups(visit.rule, one)]
        if not isinstance(visit.action, int) and not known:
            message = f"it lets in {whom} before {rule.name} ({place(rule)}) asks: no code is typed"
            yield Found(at_rule(visit.rule), message, _instead(visit, rule, one))


def _instead(visit: Visit, rule: Rule, one: Subject) -> str:
    """Say how to go on to a rule instead of ending, without being refused on the way."""
    between = one.service.rules("auth")[visit.index + 1 :]
    before = between[: between.index(rule)]
    over = sum(1 for other in before if other.level == visit.rule.level)
    if over and visit.rule.path == one.service.path:
        return f"Say '[success={over} default=ignore]' instead of '{visit.rule.control.text}'."
    if over:
        return "Include the file as a 'substack', which ends there alone."
    return "Make it 'required'."


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
    for rule, visit, whom in _never_come_to(one):
        known = _is_by_place(visit.rule, one) or [*_missing_groups(visit.rule, one)]
        if isinstance(visit.action, int) and not known:
            message = f"for {whom} it jumps over {rule.name} ({place(rule)}): no code is asked"
            hint = "Let it jump over fewer rules."
            if visit.action == 1:
                hint = "Say 'ignore' instead of 1."
            yield Found(at_rule(visit.rule), message, hint)


def _is_by_place(rule: Rule, one: Subject) -> bool:
    """Tell whether an access file lets skip who is at the machine, at a door that is only there."""
    return reads_access_file(rule) and is_at_the_machine(one.service.name)


def _never_come_to(one: Subject) -> Iterator[tuple[Rule, Visit, str]]:
    """Yield the second factors that nobody comes to who gets in, and where they go by instead.

    Last is said of whom that is so: of all, or of those whose account is one of this machine's own,
    or is not.
    """
    passing = [way for way in one.right_ways if way.outcomes[0].status == "success"]
    groups = {"everybody": passing}
    for way in passing:
        account = way.facts.get("account")
        if account:
            groups.setdefault(f"who logs in {account}", []).append(way)
    for at, rule in enumerate(one.service.rules("auth")):
        if rule not in one.second_factors:
            continue
        for whom, ways in groups.items():
            paths = [way.outcomes[0].visits for way in ways]
            if paths and not any(visit.index == at for path in paths for visit in path):
                last = [visit for visit in paths[0] if visit.index < at][-1]
                if last.rule not in ways[0].unsure:  # who knows what it does most of all
                    yield rule, last, whom
                break


@check("PAM205", "missing-group", Severity.ERROR)
def missing_group(one: Subject) -> Iterator[Found]:
    """A group that is not there decides for everybody, and nobody is asked for the second factor.

    `notingroup` of such a group is true of everybody, `ingroup` of nobody. Where a jump over the
    second factor hangs on it, a misspelt group, or one that was never made, opens the door.

    It is a warning where accounts are also kept in a directory, which was not asked.

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
    is_known = not any(rule.name in DIRECTORIES for rule in rules)
    for at, rule in enumerate(rules):
        for index, names, returned in _missing_groups(rule, one):
            passed = [*_passed_over(rules, at, returned)]
            if any(second in passed for second in one.second_factors):
                message = f"there is no group {names}, so that nobody is asked for the code"
                hint = (
                    "'getent group' lists the groups. A group of those who are not asked is safer."
                )
                severity = None if is_known else Severity.WARNING
                yield Found(at_argument(rule, index), message, hint, severity)


def _missing_groups(rule: Rule, one: Subject) -> Iterator[tuple[int, str, str]]:
    """Yield the arguments that name groups of which none is there, and what comes of it for all."""
    if rule.name != "pam_succeed_if":
        return
    found = [*conditions(rule.arguments)]
    for index, _, test, names in found:
        is_certain = test == "ingroup" or (test == "notingroup" and len(found) == 1)
        if is_certain and not any(map(one.world.has_group, names.split(":"))):
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
            hint = "With 'auth required pam_unix.so' in the service's own file, instead of an"
            hint += " include, both are asked before anything is refused."
            yield Found(at_rule(decided.rule), message, hint)
            return


def _may_become(way: Way, right: Way) -> bool:
    """Tell whether only the answers need be right for one way to become the other."""
    return all(right.facts.get(name) == value for name, value in way.about.items())


@check("PAM207", "nobody-gets-in", Severity.ERROR)
def nobody_gets_in(one: Subject) -> Iterator[Found]:
    """Everybody is refused, whatever they answer.

    Of sshd it is said where nobody gets in by PAM, though keys may still do. Nothing is said of a
    service whose first rule refuses: it is switched off. What refuses a session after that is not
    looked at.

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
    auth = one.service.rules("auth")
    asking = _ASKING | one.machine.second_factors
    if is_shut(auth) or not any(rule.name in asking for rule in auth):
        return
    for whose, doors in itertools.groupby(one.entrances, lambda entrance: entrance[0]):
        asked = [door for _, door in doors if door.asks_pam and not door.obstacles]
        if any(door.is_usable for door in asked):
            continue
        for decision in (decision for door in asked for decision in door.decisions):
            if decision.decided and not _is_by_other(decision.decided, one):
                hint = "See why this rule refuses."
                yield Found(at_rule(decision.decided), _nobody(whose, asked, decision), hint)
                return


def _is_by_other(rule: Rule, one: Subject) -> bool:
    """Tell whether `other` refuses a service that may never come to it: lockers of screens."""
    return one.service.is_other(rule.type) and one.service.name not in DOORS


def _nobody(whose: str, doors: Sequence[Door], decision: Decision) -> str:
    """Say who does not get in, how, and what else there is to know."""
    names = " or ".join(door.name for door in doors if door.name)
    how = f"by {names} nobody gets in" if names else "nobody gets in"
    about = "" if whose in {"", EVERYBODY} else f", {whose}"
    why = "".join(f"; {note}" for note in decision.notes)
    return f"{how}{about}: refused here{why}"


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
    for decision in filter(_is_either, _decisions(one)):
        rule = next((rule for rule in decision.askers if rule in one.second_factors), None)
        if rule:
            message = "the code alone lets in, and so does the password alone"
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
        yield Found(Place(path), str(one.too_much).partition("\n")[0], hint)


@check("PAM210", "any-code-will-do", Severity.ERROR)
def any_code_will_do(one: Subject) -> Iterator[Found]:
    """A code is asked for, or a password, but a wrong one lets in as well: the other is enough.

    With `optional` or `sufficient` for the last rule, its refusal counts for nothing once the
    password was right. The same does `alwaysok` of pam_oath and pam_u2f; and, of passwords, a
    `pam_deny` that was lost below a jump.

    Mend it with `required`.

    Bad:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth sufficient pam_google_authenticator.so
        account required pam_unix.so

    Good:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth required pam_google_authenticator.so
        account required pam_unix.so
    """
    for _, door in one.entrances:
        if any(map(_is_either, door.decisions)):
            continue  # PAM208 tells of it
        for decision in door.decisions:
            needless = _needless(decision)
            if needless and decision.asked:
                askers = decision.askers
                rules = [rule for rule in askers if rule in one.second_factors] or askers
                message = f"{who(decision)}: asked for a {needless}, and gets in with a wrong one"
                yield Found(at_rule(rules[-1]), message, "Make it 'required', without alwaysok.")
                return
    for way in one.right_ways:
        for rule in way.unsure:
            refuses = way.facts.get(rule.place, "").endswith(f"refuses ({rule.place})")
            if way.gets_in and refuses and rule in one.second_factors and not _asks_factor(way):
                message = f"{rule.name} may refuse, and the login gets in all the same"
                yield Found(at_rule(rule), message, "Make it 'required'.")
                return


def _needless(decision: Decision) -> str | None:
    """Return what is asked for that need not be right; None where all has to be."""
    if not decision.gets_in or decision.is_open:
        return None
    asks = any(rule.name in _ASKING for rule in decision.askers)
    password = {PASSWORD} & {*decision.asked} if asks else set()
    for prompts in (_FACTORS & {*decision.asked}, password):
        answers = prompts | {PASSWORD_AND_CODE}
        if prompts and not any(answers & {*key} for key in decision.keys):
            return _either(prompts)
    return None


def _asks_factor(way: Way) -> bool:
    return bool(_FACTORS & {*way.asked})


def _is_either(decision: Decision) -> bool:
    """Tell whether the password alone is enough, and so is the code alone."""
    keys = [{*key} for key in decision.keys]
    return any(PASSWORD in key and CODE not in key for key in keys) and any(
        CODE in key and PASSWORD not in key for key in keys
    )


def _either(factors: set[str]) -> str:
    return " or ".join(sorted(factors))


def _decisions(one: Subject) -> Iterator[Decision]:
    return (decision for _, door in one.entrances for decision in door.decisions)


@check("PAM211", "code-alone", Severity.WARNING)
def code_alone(one: Subject) -> Iterator[Found]:
    """The code is all that is asked for: no password, and no key before it.

    A code has six digits; what makes it safe is what is asked beside it.

    Mend it by asking for a password above, or, for sshd, by `AuthenticationMethods
    publickey,keyboard-interactive:pam`.

    Bad:

        ## /etc/pam.d/sshd
        auth required pam_google_authenticator.so
        account required pam_unix.so

    Good:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth required pam_google_authenticator.so
        account required pam_unix.so
    """
    for decision in _decisions(one):
        rules = [rule for rule in decision.askers if rule in one.second_factors]
        if rules and (CODE,) in decision.keys and not _is_either(decision):
            message = "the code is all that is asked for"
            yield Found(at_rule(rules[0]), message, "Have a password asked above, or a key before.")
            return
