"""Our reader of sudoers beside sudo's own, cvtsudoers(1), on files made up at random."""

import json
import random
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

from pamconf.logins.sudoers import nopasswd
from pamconf.tree import Tree

Said = tuple[str, tuple[str, ...], int]  # kind, users, number of commands

SEED = 20230118  # the day of sudo 1.9.12p2
FILES = 400

USERS = [
    "ann",
    "%staff",
    "#1000",
    "%#100",
    "ALL",
    '"di di"',
    "!bob",
    "%:nonunix",
    "+net",
    "a\\,b",
    "PEOPLE",
]
HOSTS = ["ALL", "box", "10.0.0.0/8", "fe80::1", "!lan", "box.example.org"]
DIGEST = "sha224:0GomF8mNN3wlDt1HD9XldjJ3SNgpFdbjO1+NsQ=="
COMMANDS = [
    "ALL",
    "/bin/ls",
    "/bin/ls -l *",
    "!/bin/sh",
    "/bin/a\\, b\\:c \\=d",
    "sudoedit /etc/motd",
    '/bin/ls ""',
    f"{DIGEST} /bin/x",
    "COMMANDS",
]
TAGS = [
    "NOPASSWD:",
    "NOPASSWD :",
    "PASSWD:",
    "SETENV:",
    "NOEXEC:",
    "NOPASSWD: SETENV:",
    "NOFOLLOW:",
]
RUNAS = ["(root)", "(ALL : ALL)", "(:adm)", "( root, ann )"]
DEFAULTS = [
    "!authenticate",
    "! authenticate",
    "!lecture",
    "authenticate",
    'badpass_message="no, #1 \\\\"',
    "env_reset",
]
SCOPES = ["", "", ":ann", ": ann, %staff", "@box", ">OPS", "!COMMANDS"]
COMMENTS = ["", "", "", " # NOPASSWD: ALL", "#x", " # \\"]
OTHERS = ["", "# ann ALL = NOPASSWD: ALL", "#ann \\", 'Defaults env_keep += "A B"']
OF_USERS = {"username", "usergroup", "negated"}
ALIASES = """\
User_Alias PEOPLE = eve, %crew : OTHERS = PEOPLE, zed
Cmnd_Alias COMMANDS = /bin/y
Runas_Alias OPS = ann
"""


class Maker:
    """Makes sudoers files up. Every choice is the random generator's."""

    def __init__(self, seed: int) -> None:
        self.any = random.Random(seed)  # noqa: S311 - examples, no secrets

    def file(self) -> str:
        """A file: aliases, then lines of any kind."""
        lines = [
            self.any.choice([self.rule, self.rule, self.defaults, self.other])() for _ in range(6)
        ]
        return ALIASES + "".join(f"{line}{self.any.choice(COMMENTS)}\n" for line in lines)

    def rule(self) -> str:
        """A rule with one list of hosts and commands, or two."""
        parts = [
            f"{self.listed(HOSTS)}{self.gap('=')}{self.commands()}"
            for _ in range(self.any.choice([1, 1, 2]))
        ]
        return f"{self.listed(USERS)} {self.gap(':').join(parts)}"

    def commands(self) -> str:
        """Commands with tags, sometimes on lines of their own."""
        each = [
            " ".join(
                [
                    *self.any.sample(RUNAS, self.any.choice([0, 0, 1])),
                    *self.any.sample(TAGS, self.any.choice([0, 1, 1])),
                    self.any.choice(COMMANDS),
                ]
            )
            for _ in range(self.any.randrange(1, 4))
        ]
        return self.any.choice([", ", ",", " , ", ", \\\n\t"]).join(each)

    def defaults(self) -> str:
        """Defaults, for all or for some."""
        return f"Defaults{self.any.choice(SCOPES)} {self.listed(DEFAULTS)}"

    def other(self) -> str:
        """A line that says nothing of passwords."""
        return self.any.choice(OTHERS)

    def listed(self, words: list[str]) -> str:
        """One word or two."""
        return self.any.choice([",", ", ", " , "]).join(
            self.any.sample(words, self.any.choice([1, 1, 2]))
        )

    def gap(self, char: str) -> str:
        """A character with blanks around it, or not."""
        return self.any.choice([char, f" {char} ", f" {char}\\\n "])


def named(user: dict[str, Any]) -> str:
    """A user as sudoers has it."""
    marks = {
        "usergroup": "%",
        "userid": "#",
        "usergid": "%#",
        "nonunixgroup": "%:",
        "netgroup": "+",
    }
    (kind, name), *_ = user.items()
    return f"{'!' if user.get('negated') else ''}{marks.get(kind, '')}{name}"


def resolved(users: list[dict[str, Any]]) -> tuple[str, ...]:
    """Users, with the aliases of ALIASES in place."""
    people = {"PEOPLE": ("eve", "%crew")}
    return tuple(one for user in users for one in people.get(named(user), (named(user),)))


def by_cvtsudoers(path: Path) -> list[Said] | None:
    """What sudo says; None where it takes a line amiss."""
    done = subprocess.run(["cvtsudoers", "-f", "json", str(path)], capture_output=True, check=False)
    if done.returncode != 0 or done.stderr:
        return None
    read = json.loads(done.stdout)
    found = []
    for default in read.get("Defaults", []):
        scope = default.get("Binding", [])
        users = resolved(scope) if scope and set(scope[0]) <= OF_USERS else ("ALL",)
        found += [("Defaults", users, 1)] * default["Options"].count({"authenticate": False})
    for rule in read.get("User_Specs", []):
        free = [
            command
            for commands in rule["Cmnd_Specs"]
            if {"authenticate": False} in commands.get("Options", [])
            for command in commands["Commands"]
        ]
        found += [("NOPASSWD", resolved(rule["User_List"]), len(free))] if free else []
    return found


def by_us(path: Path) -> list[Said]:
    """What our reader says; Defaults first, as cvtsudoers does."""
    found = [
        (found.what[:8], found.who, found.what.replace("\\,", "").count(", ") + 1)
        for found in nopasswd(Tree(), str(path))
    ]
    return sorted(found, key=lambda said: said[0])


def test_nopasswd() -> None:
    """Somebody whom sudo asks nothing would be missing from our list, or be on it for nothing."""
    maker, path, seen = Maker(SEED), Path("/etc/sudoers.oracle"), Counter[str]()
    for _ in range(FILES):
        path.write_text(maker.file())
        theirs, ours = by_cvtsudoers(path), by_us(path)
        if theirs is None:
            seen["refused"] += 1
            continue
        assert ours == theirs, path.read_text()
        seen.update(kind for kind, *_ in theirs)
    path.unlink()
    print(dict(seen))  # noqa: T201
    assert seen["NOPASSWD"] > FILES
    assert seen["Defaults"] > FILES / 10
    assert seen["refused"] < FILES / 3
