"""Every way that a login can go."""

from pathlib import Path

import pytest

from pamconf import PamconfError, Rule, Service, accounts, stack
from pamconf.explore import Model, Way, unknown, ways
from pamconf.login import RIGHT, STEPS_MAX, WRONG, Login, World
from pamconf.models import MODELS

D = "/etc/pam.d"
YES, NO = "yes", "no"


def password(_rule: Rule, login: Login) -> str:
    """Whoever knows a password."""
    return "success" if login.ask("password") == RIGHT else "auth_err"


def code(rule: Rule, login: Login) -> str:
    """A second factor, with nullok as an argument."""
    if login.fact("enrolled", YES, NO) == NO:
        return "ignore" if "nullok" in rule.arguments else "auth_err"
    return "success" if login.ask("code") == RIGHT else "auth_err"


OURS = {**MODELS, "pam_unix": password, "pam_totp": code}


def service(text: str) -> Service:
    """A service with these rules."""
    return stack.load_from({D: b"", f"{D}/sshd": text.encode()}.get, "sshd")


def who_gets_in(text: str, call: str = "auth", **fixed: str) -> dict[tuple[str, ...], bool]:
    """Whether somebody gets in, by what hung on: `name=value`."""
    found = ways(service(text), [call], OURS, fixed=fixed)
    return {
        tuple(f"{name}={value}" for name, value in way.facts.items()): way.gets_in for way in found
    }


def test_what_hangs_on_what() -> None:
    """A way in, or a way to be locked out, would not be shown."""
    assert who_gets_in("auth requisite pam_unix.so\nauth required pam_totp.so nullok\n") == {
        ("password=right", "enrolled=yes", "code=right"): True,
        ("password=right", "enrolled=yes", "code=wrong"): False,
        ("password=right", "enrolled=no"): True,
        ("password=wrong",): False,
    }


def test_a_fact_that_is_fixed() -> None:
    """A question about one person would be answered with all people."""
    text = "auth required pam_unix.so\nauth required pam_totp.so\n"
    assert who_gets_in(text, enrolled=NO, password=RIGHT) == {(): False}


def test_who_is_asked_what_in_which_order() -> None:
    """A prompt would be shown twice, or before the one that really comes first."""
    text = "auth required pam_unix.so\nauth optional pam_unix.so\nauth required pam_totp.so\n"
    first = next(ways(service(text), ["auth"], OURS))
    assert first.asked == ("password", "code")
    assert first.outcome.visits[1].returned == "success"


def test_an_unknown_module() -> None:
    """A module that nobody knows would be taken for one that always agrees."""
    found: list[Way] = list(ways(service("auth required pam_new.so\n"), ["auth"], MODELS))
    assert [way.gets_in for way in found] == [True, False]
    assert [way.unsure[0].place for way in found] == [f"{D}/sshd:1"] * 2
    assert found[0].facts == {"/etc/pam.d/sshd:1": "pam_new.so agrees (/etc/pam.d/sshd:1)"}


@pytest.mark.parametrize(
    ("call", "type_", "status"),
    [
        ("auth", "auth", "auth_err"),
        ("setcred", "auth", "cred_err"),
        ("account", "account", "auth_err"),
        ("session", "session", "session_err"),
        ("password", "password", "authtok_err"),
    ],
)
def test_deny(call: str, type_: str, status: str) -> None:
    """What the module that refuses says would be told wrongly."""
    (way,) = ways(service(f"{type_} required pam_deny.so\n"), [call], MODELS)
    assert way.outcome.status == status
    (way,) = ways(service(f"{type_} required pam_permit.so\n"), [call], MODELS)
    assert way.gets_in


def test_too_many_ways() -> None:
    """A program would go on for hours, on a file that somebody made for that."""
    text = "".join(f"auth optional pam_new{n}.so\n" for n in range(13))
    with pytest.raises(PamconfError, match="more than 4096 ways"):
        list(ways(service(text), ["auth"], MODELS))


def counting(model: Model) -> tuple[Model, list[Rule]]:
    """The same model, and the rules that it has been asked of."""
    asked: list[Rule] = []

    def counted(rule: Rule, login: Login) -> str:
        asked.append(rule)
        return model(rule, login)

    return counted, asked


@pytest.mark.parametrize("control", ["optional", "required", "requisite", "sufficient"])
def test_too_many_rules(control: str) -> None:
    """A stack of thousands of modules that nobody knows would be followed for minutes."""
    model, asked = counting(unknown)
    with pytest.raises(PamconfError, match=f"more than {STEPS_MAX} steps") as caught:
        list(ways(service(f"auth {control} pam_new.so\n" * 10_000), ["auth"], {"pam_new": model}))
    assert len(asked) <= STEPS_MAX
    assert caught.value.hint


def test_too_much_to_read(tmp_path: Path) -> None:
    """Long lists would be read over and over for hours; or what is mostly comments would not."""
    (tmp_path / "list").write_text("+ : ann : 10.0.0.0/8\n" * 500)
    (tmp_path / "comments").write_text("# + : ann : 10.0.0.0/8\n" * 500)
    model, asked = counting(MODELS["pam_access"])

    def follow(path: str) -> None:
        text = f"auth required pam_access.so accessfile={path}\n" * 1000
        list(ways(service(text), ["auth"], {"pam_access": model}, World(tmp_path)))

    with pytest.raises(PamconfError, match="steps"):
        follow("/list")
    assert len(asked) < 250
    asked.clear()
    follow("/comments")
    assert len(asked) == 1000


def test_a_name_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory in the network would be asked the same at each way that a login can go."""
    asked: list[str] = []

    def note(name: str, _: Path) -> bool:
        asked.append(name)
        return True

    monkeypatch.setattr(accounts, "has_group", note)
    monkeypatch.setattr(accounts, "find", lambda name, root: note(name, root) and None)
    text = "auth optional pam_succeed_if.so user in ann:bob\n"
    text += "auth optional pam_succeed_if.so user ingroup adm:wheel\n"
    found = list(ways(service(text * 3), ["auth"], MODELS))
    assert len(found) == 5
    assert sorted(asked) == ["adm", "ann", "bob", "wheel"]


def test_modules_are_told_apart_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand modules that nobody knows would each be compared with all the others."""
    compared: list[Rule] = []

    def compare(one: Rule, other: Rule) -> bool:
        compared.append(one)
        return one is other

    monkeypatch.setattr(Rule, "__eq__", compare)
    text = "".join(f"auth [default=ignore] pam_new{n}.so\n" for n in range(1000))
    (way,) = ways(service(text), ["auth"], MODELS)
    assert len(way.unsure) == 1000
    assert len(compared) < 1000


@pytest.mark.parametrize(
    ("control", "count"),
    [
        ("[default=ignore]", 1),
        ("[default=reset]", 1),
        ("[default=1]", 1),
        ("[success=1 default=2]", 2),
        ("[default=bad]", 2),
        ("[success=ignore default=die]", 2),
        ("optional", 2),
    ],
)
def test_where_an_unknown_module_makes_no_difference(control: str, count: int) -> None:
    """Ways would be followed that cannot differ, or a difference be overlooked."""
    text = f"auth {control} pam_new.so\nauth required pam_unix.so\nauth required pam_totp.so\n"
    found = list(ways(service(text), ["auth"], OURS, fixed={"password": RIGHT, "enrolled": NO}))
    assert len(found) == count
    assert all(way.unsure[0].name == "pam_new" for way in found)


def test_wrong_answers_are_followed_too() -> None:
    """A stack that lets in whoever types anything would look like a good one."""
    text = "auth sufficient pam_permit.so\nauth required pam_unix.so\n"
    assert who_gets_in(text) == {(): True}
    assert who_gets_in("auth optional pam_unix.so\nauth required pam_permit.so\n") == {
        ("password=right",): True,
        (f"password={WRONG}",): True,
    }
