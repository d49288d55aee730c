"""What becomes of a login, in words."""

import pytest

from pamconf import Rule, sentences, stack
from pamconf.access_who import Origin
from pamconf.doors import Door, own_door
from pamconf.explain import Decision
from pamconf.login import World
from pamconf.models.second_factor import PASSWORD_AND_CODE
from pamconf.sentences import Strength
from pamconf.sshd import Obstacle, Source

D = "/etc/pam.d"
UNIX = "auth required pam_unix.so\n"
TOTP = "auth required pam_google_authenticator.so"
PLACES = {"from 10.0.0.0/8": Origin("10.1.2.3"), "from elsewhere": Origin("192.0.2.7")}


def door(text: str, name: str = "x", world: World | None = None) -> Door:
    """The door of a service with these rules for auth; account lets everybody in."""
    text += "\naccount required pam_permit.so\n"
    service = stack.load_from({D: b"", f"{D}/{name}": text.encode()}.get, name)
    return own_door(service, world or World())[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (UNIX, ["Anybody: password alone (x:1)."]),
        (
            UNIX + TOTP,
            [
                "Enrolled: password, then code (x:2).",
                "Not enrolled: asked for password, code, and refused (x:2).",
            ],
        ),
        (
            f"{UNIX}{TOTP} nullok",
            [
                "Enrolled: password, then code (x:2).",
                "Not enrolled: password alone, because of nullok in x:2.",
            ],
        ),
        (
            f"{UNIX}auth required pam_u2f.so nouserok cue",
            [
                "Enrolled: password, then security key (x:2).",
                "Not enrolled: password alone, because of nouserok in x:2.",
            ],
        ),
        (
            f"{UNIX}{TOTP} nullok\nauth required pam_deny.so",
            [
                "Enrolled: asked for password, code, and refused (x:2, x:3).",
                "Not enrolled: asked for password, and refused (x:2, x:3).",
            ],
        ),
        (
            f"auth sufficient pam_unix.so\n{TOTP}",
            ["Anybody: asked for password, and gets in with code, or with password (x:1)."],
        ),
        (
            "auth optional pam_unix.so\nauth required pam_permit.so",
            ["Anybody: asked for password, and gets in whatever is typed (x:1)."],
        ),
        ("auth required pam_permit.so", ["Anybody: gets in, and nothing is asked (x:1)."]),
        ("auth required pam_deny.so", ["Anybody: refused (x:1)."]),
        ("@include gone", [f"Anybody: refused, because of {D}/gone: no such file."]),
        (
            "auth required pam_new.so",
            [
                "pam_new.so agrees (/etc/pam.d/x:1): what pam_new.so asks alone (x:1).",
                (
                    "pam_new.so refuses (/etc/pam.d/x:1): "
                    "asked for what pam_new.so asks, and refused (x:1)."
                ),
            ],
        ),
        (
            "auth [success=1 default=ignore] pam_succeed_if.so user = anna\n" + UNIX + TOTP,
            [
                "anna, enrolled: code alone (x:1, x:3).",
                "anna, not enrolled: asked for code, and refused (x:1, x:3).",
                "Not anna, enrolled: password, then code (x:1, x:3).",
                "Not anna, not enrolled: asked for password, code, and refused (x:1, x:3).",
            ],
        ),
    ],
)
def test_decisions_in_words(text: str, told: list[str]) -> None:
    """An admin would be told of another login than the one that happens, or of another line."""
    found = door(text)
    assert list(sentences.sentences(found)) == told
    assert [sentences.sentence(one) for one in found.decisions] == told


def test_places_in_words() -> None:
    """Nobody would learn which file lets a network pass."""
    text = "auth sufficient pam_access.so accessfile=/etc/lan\n" + UNIX
    world = World(places=PLACES)
    (one,) = sentences.sentences(door(text, world=world))
    assert one == "Anybody: gets in, and nothing is asked (x:1)."
    succeed = "auth sufficient pam_succeed_if.so rhost = 10.1.2.3\n" + UNIX
    assert sentences.sentences(door(succeed, world=world), "others") == (
        "Others, from 10.0.0.0/8: gets in, and nothing is asked (x:1).",
        "Others, from elsewhere: password alone (x:1).",
    )


def test_the_access_file_is_named(tmp_path_factory: pytest.TempPathFactory) -> None:
    """As above, where the file is there."""
    root = tmp_path_factory.mktemp("root")
    (root / "etc").mkdir()
    (root / "etc/lan").write_text("+ : ALL : 10.0.0.0/8\n- : ALL : ALL\n")
    text = "auth sufficient pam_access.so accessfile=/etc/lan\n" + UNIX
    found = door(text, world=World(root, places=PLACES))
    assert sentences.sentences(found) == (
        "From 10.0.0.0/8: gets in, and nothing is asked (x:1, accessfile=/etc/lan).",
        "From elsewhere: password alone (x:1, accessfile=/etc/lan).",
    )


def test_doors_of_sshd_in_words() -> None:
    """A key that PAM is not asked about would look like a password, or a closed door open."""
    (found,) = door(UNIX).decisions
    key = Door("publickey", (found,), asks_pam=False)
    assert sentences.sentences(key, "others") == (
        "By publickey, others: password alone (x:1); PAM's auth rules are not run.",
    )
    assert sentences.sentences(Door("password", (found,))) == (
        "By password, anybody: password alone (x:1).",
    )
    why = (Obstacle("PermitRootLogin no", Source("/c", 3)), Obstacle("there is no such user"))
    shut = Door("password", (), obstacles=why)
    assert sentences.sentences(shut, "root") == (
        "By password, root: refused, because of PermitRootLogin no (/c:3); there is no such user.",
    )


def test_many_decisions_are_counted() -> None:
    """A few sentences would be a hundred."""
    found = door(f"{UNIX}{TOTP} nullok").decisions
    refused = door("auth required pam_deny.so").decisions
    many = (*found, *refused, *found, *refused, *found)
    said = "of 8 kinds of logins 3 get in with a second factor, 3 get in with one right answer"
    assert sentences.sentences(Door("", many)) == (f"Anybody: {said}, 2 do not.",)
    assert sentences.sentences(Door("password", many)) == (
        f"By password, anybody: {said}, 2 do not.",
    )


@pytest.mark.parametrize(
    ("keys", "wanted"),
    [
        ((), Strength.REFUSED),
        (((),), Strength.NOTHING),
        ((("key of the host",),), Strength.NOTHING),
        ((("password",),), Strength.ONE),
        ((("code",), ("key", "password")), Strength.ONE),
        ((("password", "code"),), Strength.TWO),
        ((("key", "password"),), Strength.TWO),
        (((PASSWORD_AND_CODE,),), Strength.TWO),
    ],
)
def test_how_strong_a_door_is(keys: tuple[tuple[str, ...], ...], wanted: Strength) -> None:
    """A door that opens by a password alone would be shown green."""
    assert sentences.strength(Decision((), (), keys, None)) is wanted


def test_cells_of_a_table() -> None:
    """The table would say something else than the sentences."""
    rows = [
        (sentences.who(one), sentences.asked(one), sentences.enough(one), sentences.because(one))
        for text in (
            f"{UNIX}{TOTP}",
            "auth sufficient pam_unix.so\n" + TOTP,
            "auth optional pam_unix.so\nauth required pam_permit.so",
            "auth required pam_permit.so",
            "@include gone",
        )
        for one in door(text).decisions
    ]
    assert rows == [
        ("enrolled", "password, code", "yes", "x:2"),
        ("not enrolled", "password, code", "no", "x:2"),
        ("anybody", "password", "with code, or with password", "x:1"),
        ("anybody", "password", "yes, whatever is typed", "x:1"),
        ("anybody", "nothing", "yes", "x:1"),
        ("anybody", "nothing", "no", f"{D}/gone: no such file"),
    ]


def test_where_a_rule_stands() -> None:
    """A file in another folder would be looked for in /etc/pam.d."""
    (rule,) = stack.load_from({D: b"", f"{D}/x": UNIX.encode()}.get, "x").rules("auth")
    assert sentences.place(rule) == "x:1"
    vendor = Rule(**{name: getattr(rule, name) for name in rule.__slots__} | {"path": "/usr/x"})
    assert sentences.place(vendor) == "/usr/x:1"


@pytest.mark.parametrize(
    ("name", "decisions"), [("cron", 1), ("systemd-user", 1), ("passwd", 0), ("login", 2)]
)
def test_programs_that_log_nobody_in(name: str, decisions: int) -> None:
    """An admin would be told that jobs, or changes of passwords, want a code."""
    found = door(f"{UNIX}{TOTP}", name)
    assert len(found.decisions) == decisions
    assert found.asks_pam == (name == "login")
    assert found.asks_pam or "nobody logs in" in found.notes[0]


def test_a_service_explains_itself() -> None:
    """The shortest way to the table would lead to another one."""
    text = f"{UNIX}{TOTP}\naccount required pam_permit.so\n"
    service = stack.load_from({D: b"", f"{D}/x": text.encode()}.get, "x")
    assert service.explain() == door(f"{UNIX}{TOTP}").decisions
    assert service.explain(World(), {"pam_unix": lambda *_: "success"})[0].unsure
