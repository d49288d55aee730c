"""The table of who is asked what, and gets in or not."""

from pathlib import Path

import pytest

from pamconf import PamconfError, Rule, explain, explore, login, stack
from pamconf.access_who import Origin
from pamconf.accounts import Account
from pamconf.explain import Decision
from pamconf.login import RIGHT, Login, World
from pamconf.models import MODELS

D = "/etc/pam.d"
LAN, ELSEWHERE = "from 10.0.0.0/8", "from elsewhere"
PLACES = {LAN: Origin("10.1.2.3"), ELSEWHERE: Origin("192.0.2.7"), "here": Origin()}


def password(_rule: Rule, login: Login) -> str:
    """Whoever knows a password."""
    return "success" if login.ask("password") == RIGHT else "auth_err"


def code(rule: Rule, login: Login) -> str:
    """A second factor, with nullok and a network without it."""
    if "lan" in rule.arguments and (login.origin.rhost or "10.").startswith("10."):
        return "ignore"
    if login.fact("second factor", "enrolled", "not enrolled") == "not enrolled":
        return "ignore" if "nullok" in rule.arguments else "auth_err"
    return "success" if login.ask("code") == RIGHT else "auth_err"


def people(rule: Rule, login: Login) -> str:
    """Who somebody is: a name, a group with +, a limit of uids."""
    for argument in rule.arguments:
        if argument.isdecimal():
            is_so = login.uid_below(int(argument))
        elif argument.startswith("+"):
            is_so = argument[1:] in login.groups
        else:
            is_so = login.user_is(argument)
        if is_so:
            return "success"
    return "auth_err"


def chatty(_rule: Rule, login: Login) -> str:
    """A module that says something twice."""
    login.note("mind the gap")
    login.note("mind the gap")
    return "success"


OURS = {**MODELS, "pam_unix": password, "pam_totp": code, "pam_who": people, "pam_chat": chatty}


def decisions(text: str, world: World | None = None) -> tuple[Decision, ...]:
    """The table of a service with these rules for auth; account lets everybody in."""
    text = f"{text}\naccount required pam_permit.so\n"
    service = stack.load_from({D: b"", f"{D}/sshd": text.encode()}.get, "sshd")
    return explain.explain(service, world, OURS)


def table(text: str, world: World | None = None) -> list[tuple[object, ...]]:
    """The same, as (phrases, what is asked, keys)."""
    return [
        (
            ", ".join(" or ".join(fact.phrases) for fact in one.facts),
            one.asked,
            one.keys if one.gets_in else "refused",
        )
        for one in decisions(text, world)
    ]


BOTH = ("password", "code")


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        pytest.param(
            "auth required pam_unix.so\nauth required pam_totp.so",
            [("enrolled", BOTH, (BOTH,)), ("not enrolled", ("password",), "refused")],
            id="a second factor",
        ),
        pytest.param(
            "auth required pam_unix.so\nauth required pam_totp.so nullok",
            [("enrolled", BOTH, (BOTH,)), ("not enrolled", ("password",), (("password",),))],
            id="nullok",
        ),
        pytest.param(
            "auth sufficient pam_unix.so\nauth required pam_totp.so",
            [("", ("password",), (("code",), ("password",)))],
            id="either is enough",
        ),
        pytest.param(
            "auth optional pam_unix.so\nauth required pam_permit.so",
            [("", ("password",), ((),))],
            id="asked in vain",
        ),
        pytest.param("auth required pam_deny.so", [("", (), "refused")], id="nobody"),
    ],
)
def test_what_somebody_needs(text: str, rows: list[object]) -> None:
    """An admin would be told of another door than the one that stands there."""
    assert table(text) == rows


def test_whoever_needs_nothing() -> None:
    """A door that stands open would look like a door."""
    (one,) = decisions("auth optional pam_unix.so\nauth required pam_permit.so")
    assert one.is_open
    (one,) = decisions("auth required pam_unix.so")
    assert not one.is_open


def test_places_that_make_no_difference_are_one() -> None:
    """A table would have a row for each network, all the same."""
    text = "auth required pam_unix.so\nauth required pam_totp.so lan"
    assert table(text, World(places=PLACES)) == [
        (f"{LAN} or here", ("password",), (("password",),)),
        (f"{ELSEWHERE}, enrolled", BOTH, (BOTH,)),
        (f"{ELSEWHERE}, not enrolled", ("password",), "refused"),
    ]
    assert [row[0] for row in table(text)] == [""]  # nothing is known of where it comes from


def test_whom_a_decision_may_be_about() -> None:
    """Somebody who is enrolled would be taken for one who is not; or whom it tells not apart."""
    (anybody,) = decisions("auth required pam_unix.so")
    assert anybody.may_be("second factor", "enrolled")
    enrolled, other = decisions("auth required pam_unix.so\nauth required pam_totp.so")
    assert enrolled.may_be("second factor", "enrolled")
    assert not other.may_be("second factor", "enrolled")


def test_which_rule_it_hangs_on() -> None:
    """Somebody would look for the reason in the wrong line."""
    enrolled, not_enrolled = decisions("auth required pam_unix.so\nauth required pam_totp.so")
    sources = [one.facts[0].source for one in (enrolled, not_enrolled)]
    assert [source and source.place for source in sources] == [f"{D}/sshd:2"] * 2
    assert not_enrolled.decided
    assert not_enrolled.decided.place == f"{D}/sshd:2"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine with alice, who may become root, and bob."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text(
        "alice:x:1000:1000::/home/alice:/bin/sh\nbob:x:1001:1001::/home/bob:/bin/sh\n"
    )
    (tmp_path / "etc/group").write_text("alice:x:1000:\nbob:x:1001:\nsudo:x:27:alice\n")
    return tmp_path


IN, OUT = ((),), "refused"


@pytest.mark.parametrize(
    ("who", "rows"),
    [
        ("alice", [("alice", (), IN), ("not alice", (), OUT)]),
        ("bob +sudo", [("bob", (), IN), ("not bob, in group sudo", (), IN), (..., (), OUT)]),
        ("alice +sudo bob", [("alice", (), IN), ("not alice, in group sudo", (), IN), ..., ...]),
        ("nobody-there 7", [("nobody-there", (), IN), ..., ...]),
        ("+no-such-group", [("", (), OUT)]),
        ("0", [("", (), OUT)]),
        ("5000000000", [("", (), IN)]),
        ("1000 500", [("with a uid from 1000 on", (), OUT), ("with a uid below 1000", (), IN)]),
        ("500 1000", [("with a uid from 500 on, with a uid from 1000 on", (), OUT), ..., ...]),
    ],
)
def test_anybody(root: Path, who: str, rows: list[object]) -> None:
    """People would be told apart who are not, or taken for others, or be two at once."""
    found = table(f"auth requisite pam_who.so {who}", World(root))
    assert len(found) == len(rows)
    for row, wanted in zip(found, rows, strict=True):
        if isinstance(wanted, tuple):
            assert row[1:] == wanted[1:]
            assert wanted[0] in (..., row[0])


@pytest.mark.parametrize("who", ["alice", "+sudo", "2000"])
def test_somebody_who_is_known(root: Path, who: str) -> None:
    """A question about one person would be answered with all people."""
    alice = Account("alice", 1000, ("alice", "sudo"))
    assert table(f"auth requisite pam_who.so {who}", World(root, alice)) == [("", (), IN)]
    bob = Account("bob", 3000, ("bob",))
    assert table(f"auth requisite pam_who.so {who}", World(root, bob)) == [("", (), OUT)]


def test_this_machine_s_groups() -> None:
    """A group of the machine would be taken for one that is not there, or the other way round."""
    assert [row[0] for row in table("auth requisite pam_who.so +root")] == [
        "in group root",
        "not in group root",
    ]
    assert [row[0] for row in table("auth requisite pam_who.so +no-such-group")] == [""]


def test_what_makes_no_difference(root: Path) -> None:
    """People would be told apart to whom the same happens."""
    text = "auth optional pam_who.so alice +sudo\nauth required pam_unix.so"
    assert table(text, World(root)) == [("", ("password",), (("password",),))]
    assert World(root).files.read("/etc/group").startswith("alice:")


def test_what_else_to_know() -> None:
    """A warning would get lost, or be said over and over."""
    (one,) = decisions("auth required pam_chat.so\nauth required pam_chat.so")
    assert one.notes == ("mind the gap",)
    agrees, refuses = decisions("auth required pam_new.so\nauth required pam_unix.so")
    assert (agrees.gets_in, refuses.gets_in) == (True, False)
    assert [rule.place for rule in agrees.unsure] == [f"{D}/sshd:1"]
    service = stack.load_from({D: b"", f"{D}/sshd": b"auth required pam_new.so\n"}.get, "sshd")
    agrees, refuses = explain.explain(service, None, OURS, calls=("auth", "setcred"))
    assert len(agrees.unsure) == 1


def test_a_service_that_libpam_gives_up() -> None:
    """Nobody would learn why nobody gets in."""
    service = stack.load_from({D: b"", f"{D}/sshd": b"@include gone\n"}.get, "sshd")
    (one,) = explain.explain(service, None, OURS)
    assert not one.gets_in
    assert one.problem == f"{D}/gone: no such file"


def test_the_second_pass_takes_the_path_of_the_first() -> None:
    """A module that was jumped over would be asked when credentials are set."""
    text = b"auth [success=1 default=ignore] pam_permit.so\nauth required pam_deny.so\n"
    text += b"auth required pam_permit.so\n"
    service = stack.load_from({D: b"", f"{D}/sshd": text}.get, "sshd")
    (one,) = explain.explain(service, None, OURS, calls=("auth", "setcred"))
    assert one.is_open


def many(_rule: Rule, login: Login) -> str:
    """A module to which many things are known."""
    for n in range(2000):
        login.fact(f"fact {n}", "so")
    return password(_rule, login)


def test_many_facts() -> None:
    """A program would fall over a long list of people, with an error of its language."""
    service = stack.load_from({D: b"", f"{D}/sshd": b"auth required pam_many.so\n"}.get, "sshd")
    (one,) = explain.explain(service, None, {"pam_many": many}, calls=("auth",))
    assert one.keys == (("password",),)
    assert one.facts == ()


def test_many_people() -> None:
    """Somebody would be left out of a long list, or stand in another's place."""
    names = [f"user{n}" for n in range(300)]
    found = decisions("".join(f"auth sufficient pam_who.so {name}\n" for name in names))
    assert [one.facts[-1].phrases for one in found[:-1]] == [(name,) for name in names]
    assert [len(one.facts) for one in found] == [*range(1, 301), 300]
    assert [one.gets_in for one in found] == [True] * 300 + [False]


def test_too_many_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """To find who is let in by what would take hours, where it is known how logins go."""
    monkeypatch.setattr(login, "STEPS_MAX", 4000)
    text = "auth [success=7 default=ignore] pam_unix.so\n"
    text += "".join(f"auth optional pam_a{n}.so\n" for n in range(6))
    text += "auth [default=7] pam_permit.so\n"
    text += "".join(f"auth optional pam_b{n}.so\n" for n in range(7))
    found = stack.load_from({D: b"", f"{D}/sshd": text.encode()}.get, "sshd")
    assert len(list(explore.ways(found, ("auth",), OURS))) == 2**6 + 2**7
    with pytest.raises(PamconfError, match="more than 4000 steps"):
        explain.explain(found, None, OURS, calls=("auth",))
