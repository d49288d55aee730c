"""What becomes of a login in words, each with the lines that decide: from decisions alone.

Rules are named as people speak of them: sshd:7 is line 7 of /etc/pam.d/sshd.
"""

import enum
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pamconf.doors import Door
from pamconf.explain import Decision, Fact
from pamconf.models.second_factor import PASSWORD_AND_CODE

if TYPE_CHECKING:
    from pamconf.sshd import Obstacle
    from pamconf.stack import Rule

FOLDER = "/etc/pam.d/"
"""The folder that files without one are in."""

MANY = 6
"""More decisions than this are counted, not told one by one."""

_LENIENT = ("nullok", "nullok_until=", "nouserok")
"""Arguments that let somebody pass who has no second factor."""

_NOT_ENROLLED = ("not enrolled",)
_OF_A_HOST = "key of the host"
_BEGINNINGS = {
    "anybody",
    "asked",
    "at",
    "enrolled",
    "from",
    "in",
    "not",
    "others",
    "with",
    "without",
}


class Strength(enum.Enum):
    """What somebody needs who gets in the easiest way."""

    REFUSED = "do not"
    NOTHING = "get in with no right answer"
    ONE = "get in with one right answer"
    TWO = "get in with a second factor"


def strength(decision: Decision) -> Strength:
    """Tell what somebody needs for the easiest of the ways in.

    A second factor is a second right answer, whatever it is: key and password as well as password
    and code. What a module asks that nobody has a model of does not count.
    """
    if not decision.gets_in:
        return Strength.REFUSED
    fewest = min(map(_factors, decision.keys))
    return (Strength.NOTHING, Strength.ONE, Strength.TWO)[min(fewest, 2)]


def _factors(key: tuple[str, ...]) -> int:
    return len({*key} - {_OF_A_HOST}) + (PASSWORD_AND_CODE in key)


def place(rule: "Rule") -> str:
    """Return where a rule stands: sshd:7, or a whole path that is not in /etc/pam.d."""
    short = rule.place.removeprefix(FOLDER)
    return rule.place if "/" in short else short


def who(decision: Decision, whose: str = "") -> str:
    """Return whom a decision is about: "from elsewhere, not enrolled".

    `whose` are those of whom all of it is said, if not all: "others".
    """
    facts = [" or ".join(fact.phrases) for fact in decision.facts]
    return ", ".join([whose, *facts] if whose else facts) or "anybody"


def asked(decision: Decision) -> str:
    """Return what somebody is asked for, in order: "password, code"."""
    unknown = [rule.module or "" for rule in decision.unsure if rule.type == "auth"]
    prompts = ", ".join((*decision.asked, *(f"what {one} asks" for one in dict.fromkeys(unknown))))
    return prompts or "nothing"


def enough(decision: Decision) -> str:
    """Return which answers let in: "yes" for all that are asked for."""
    if not decision.gets_in:
        return "no"
    if decision.is_open:
        return "yes, whatever is typed" if decision.asked else "yes"
    if decision.keys == (decision.asked,):
        return "yes"
    return f"with {_either(decision)}"


def _either(decision: Decision) -> str:
    return ", or with ".join(" and ".join(key) for key in decision.keys)


def because(decision: Decision) -> str:
    """Return what decides: a problem with the files, or the rules."""
    return decision.problem or ", ".join(dict.fromkeys(map(place, decision.because)))


def sentence(decision: Decision, whose: str = "") -> str:
    """Return a decision as a sentence: "From elsewhere: password, then code (sshd:5)."."""
    return f"{_capital(who(decision, whose), decision.facts)}: {_told(decision)}."


def _told(decision: Decision) -> str:
    return _fate(decision) + _reason(decision)


def _capital(text: str, facts: tuple[Fact, ...]) -> str:
    """Begin with a capital letter, but never a user's or a module's name."""
    is_name = bool(facts) and facts[0].name == f"user {text.partition(',')[0]}"
    first = text.partition(" ")[0].rstrip(",")
    return text if is_name or first not in _BEGINNINGS else text[:1].upper() + text[1:]


def _fate(decision: Decision) -> str:
    prompts = asked(decision)
    if not decision.gets_in:
        return "refused" if prompts == "nothing" else f"asked for {prompts}, and refused"
    if prompts == "nothing":
        return "gets in, and nothing is asked"
    if decision.is_open and decision.asked:
        return f"asked for {prompts}, and gets in whatever is typed"
    if decision.keys not in {(decision.asked,), ((),)}:
        return f"asked for {prompts}, and gets in with {_either(decision)}"
    return prompts.replace(", ", ", then ") if ", " in prompts else f"{prompts} alone"


def _reason(decision: Decision) -> str:
    if decision.problem:
        return f", because of {decision.problem}"
    lenient = list(_lenient(decision)) if decision.gets_in else []
    if lenient:
        return f", because of {' and '.join(lenient)}"
    places = [*map(place, decision.because), *_access_files(decision)]
    return f" ({', '.join(dict.fromkeys(places))})" if places else ""


def _lenient(decision: Decision) -> Iterator[str]:
    """Say by which argument somebody passes who has no second factor."""
    for fact in decision.facts:
        if fact.source and fact.phrases == _NOT_ENROLLED:
            for argument in fact.source.arguments:
                if argument.startswith(_LENIENT):
                    yield f"{argument} in {place(fact.source)}"


def _access_files(decision: Decision) -> Iterator[str]:
    """Name the access files that the facts come from."""
    for fact in decision.facts:
        if fact.source and "enrolled" not in fact.phrases and fact.phrases != _NOT_ENROLLED:
            yield from (one for one in fact.source.arguments if one.startswith("accessfile="))


def sentences(door: Door, whose: str = "") -> tuple[str, ...]:
    """Return what becomes of those who come to a door, in a few sentences.

    `whose` are those whose door it is, if it is not everybody's: "root", "others".
    """
    if door.obstacles:
        return (_begun(door, whose, f"refused, because of {obstacles(door)}"),)
    if len(door.decisions) > MANY:
        return (_begun(door, whose, _counted(door)),)
    tail = "" if door.asks_pam else "; PAM's auth rules are not run"
    return tuple(_begun(door, whose, f"{_told(one)}{tail}", one) for one in door.decisions)


def _begun(door: Door, whose: str, rest: str, decision: Decision | None = None) -> str:
    about = who(decision, whose) if decision else whose or "anybody"
    if door.name:
        return f"By {door.name}, {about}: {rest}."
    return f"{_capital(about, decision.facts if decision else ())}: {rest}."


def _counted(door: Door) -> str:
    count = Counter(map(strength, door.decisions))
    told = ", ".join(f"{count[one]} {one.value}" for one in reversed(Strength) if count[one])
    return f"of {len(door.decisions)} kinds of logins {told}"


def obstacles(door: Door) -> str:
    """Return what is in the way at a door, with the lines."""
    return "; ".join(map(_obstacle, door.obstacles))


def _obstacle(one: "Obstacle") -> str:
    return f"{one.reason} ({one.source})" if one.source else one.reason
