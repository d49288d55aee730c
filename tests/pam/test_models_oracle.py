"""pamconf's models of modules, side by side with the real modules."""

import os
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from pamconf import accounts, stack
from pamconf.access_who import Origin
from pamconf.control import RETURNS
from pamconf.lines import bytes_of
from pamconf.login import Login, World
from pamconf.models import MODELS
from tests.pam.libpam import PAM_RHOST, PAM_TTY, login
from tests.pam.test_access_oracle import words

SEED = 2203  # as good as any
CASES = 2000  # of each module

FOLDER = Path("/srv/doorward-models")
FILE = FOLDER / "file"
GROUPS = "models:x:4300:galuser,modelroot\nmodelother:x:4301:galother\n"
PASSWD = (
    "modelsys:x:150:150::/home/modelsys:/usr/sbin/nologin\n"
    "modelgap:x:100:4300::/nonexistent:\n"
    "modelroot:x:0:0::/root:/bin/modelsh\n"
    "modelmax:x:65534:65534::/:/bin/modelsh\n"
)
USERS = ("root", "galuser", "galother", "modelsys", "modelgap", "modelroot", "modelmax")
CALLERS = ("root", "galuser", "galother")
NAMES = (*USERS, "models", "modelother", "root", "wheel", "nobody", "none")
RHOSTS = (None, "", "10.1.2.3", "2001:db8::1", "::1", "host.example.org", "12", "host")
TTYS = (None, "", "tty1", "/dev/tty1", "pts/0", "/dev/pts/0", "0", "/dev/", "/x", "ssh", ":0")
SHELLS = ("/bin/sh", "/usr/sbin/nologin", "/bin/modelsh", "/bin/bash")
IGNORED = "cred_expired"
"""What no module of these returns."""

# The type of rule that a call goes by, and pam_debug's argument for it.
CALLS = {
    "auth": ("auth", "auth"),
    "account": ("account", "acct"),
    "session": ("session", "open_session"),
}
FUNCTIONS = {"auth": "authenticate", "account": "acct_mgmt", "session": "open_session"}


@dataclass
class Case:
    """One call of a module. `caller` is who runs the program, by the real uid."""

    module: str
    arguments: list[str]
    user: str
    origin: Origin
    call: str = "auth"
    caller: str = "root"


class Truth(Mapping[str, str]):
    """The facts about a caller, which a model cannot know, as they are in a case."""

    def __init__(self, caller: str) -> None:
        found = accounts.find(caller)
        assert found is not None
        self._caller = found

    def __contains__(self, name: object) -> bool:
        return self._answer(str(name)) is not None

    def __getitem__(self, name: str) -> str:
        answer = self._answer(name)
        assert answer is not None
        return answer

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def _answer(self, name: str) -> str | None:
        caller = self._caller
        if name == "caller":
            return "asked by root" if caller.uid == 0 else "asked by another user"
        if name == "type of the caller":
            return "asked by an account of the system" if caller.uid < 100 else "asked by a person"
        if found := re.fullmatch("caller in (.*)", name):
            one = "a" if found[1] in caller.groups else "no"
            return f"asked by {one} member of {found[1]}"
        tests: dict[str, Callable[[str], bool]] = {
            "(.*) as the caller": lambda word: word == caller.name,
            "a caller in (.*)": lambda word: word in caller.groups,
            "a caller whose uid is below (.*)": lambda word: caller.uid < int(word),
        }
        for pattern, test in tests.items():
            if found := re.fullmatch(pattern, name):
                return f"{'with' if test(found[1]) else 'without'} {name}"
        return None


@pytest.fixture(autouse=True)
def machine() -> Iterator[None]:
    """Accounts and groups of this test, and a folder; /etc is put back afterwards."""
    paths = [Path("/etc", name) for name in ("passwd", "group", "shells", "securetty", "nologin")]
    before = {path: path.read_bytes() for path in paths if path.exists()}
    paths[0].write_bytes(before[paths[0]] + PASSWD.encode())
    paths[1].write_bytes(before[paths[1]] + GROUPS.encode())
    FOLDER.mkdir()
    yield
    for path in paths:
        if path in before:
            path.write_bytes(before[path])
        else:
            path.unlink(missing_ok=True)
    clear(FILE)
    FOLDER.rmdir()


@contextmanager
def run_by(name: str) -> Iterator[None]:
    """Run as a set-user-ID program does: somebody's real uid, and root's effective one."""
    account = accounts.find(name)
    assert account is not None
    os.setresuid(account.uid, 0, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


def theirs(case: Case, confdir: Path) -> str:
    """What the real module returns: ignored, another rule gives a status that no module gives."""
    type_, event = CALLS[case.call]
    words = " ".join(f"[{word.replace(']', chr(92) + ']')}]" for word in case.arguments)
    text = f"{type_} [success=1 ignore=ignore default=die] {case.module}.so {words}\n"
    text += f"{type_} requisite pam_debug.so {event}={IGNORED}\n{type_} required pam_permit.so\n"
    (confdir / "models").write_bytes(bytes_of(text))
    with login("models", confdir, case.user) as handle, run_by(case.caller):
        for item, value in ((PAM_RHOST, case.origin.rhost), (PAM_TTY, case.origin.tty)):
            if value is not None:
                handle.set_item(item, value)
        returned = RETURNS[handle.call(FUNCTIONS[case.call])]
    return "ignore" if returned == IGNORED else returned


def ours(case: Case, confdir: Path) -> str:
    """What the model says, of the rule as pamconf reads it, with nothing left to guess."""
    service = stack.load("models", confdirs=(str(confdir),))
    rule = service.rules(CALLS[case.call][0])[0]
    assert rule.arguments == tuple(case.arguments)
    user = accounts.find(case.user)
    place = {"here": case.origin}
    asked = Login("models", World("/", user, place), Truth(case.caller), call=case.call)
    returned = MODELS[case.module](rule, asked)
    assert set(asked.known) <= {"origin"}
    return returned


# --- Cases ---


def some_origin(rng: random.Random) -> Origin:
    """Where somebody comes from."""
    return Origin(rng.choice(RHOSTS), rng.choice(TTYS), "models")


def clear(path: Path) -> None:
    """Remove what is at a path."""
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def some_file(rng: random.Random, path: Path, lines: list[str]) -> None:
    """Put a file of some of these lines at a path, or what a module may stumble over."""
    clear(path)
    kind = rng.randrange(14)
    if kind == 0:
        return
    if kind == 1:
        path.mkdir()
    elif kind == 2:
        path.symlink_to("/etc/passwd")
    else:
        chosen = rng.choices(lines, k=rng.randrange(6))
        ends = (rng.choice(["\n"] * 6 + ["\r\n", "\n\n", " \n"]) for _ in chosen)
        text = "".join(map(str.__add__, chosen, ends))
        path.write_bytes(bytes_of(text.removesuffix("\n") if rng.random() < 1 / 6 else text))
        path.chmod(0o666 if kind == 3 else 0o644)


def long(rng: random.Random, word: str) -> str:
    """A word that stands behind about as much as fgets() takes at once."""
    return "x" * rng.choice([253, 254, 255, 256, 509, 510]) + word


def listfile(rng: random.Random) -> list[str]:
    """Arguments of pam_listfile, and its file."""
    item = rng.choice(["user", "tty", "rhost", "group", "shell"])
    words = {
        "user": USERS,
        "tty": [one for one in TTYS if one],
        "rhost": [one for one in RHOSTS if one],
        "group": ["models", "modelother", "root", "none"],
        "shell": SHELLS,
    }[item]
    some_file(rng, FILE, [*words, long(rng, words[0])])
    named = [f"item={item}", f"sense={rng.choice(['allow', 'deny'])}", f"file={FILE}"]
    odd = [
        *["onerr=succeed", "onerr=fail"] * 3,
        *["quiet", f"apply={rng.choice(USERS)}", f"apply=@{rng.choice(NAMES)}"] * 3,
        *[
            "onerr=maybe",
            "sense=neither",
            "file=",
            "apply=",
            "apply=@",
            "more=1",
            "debug",
            "item=x",
        ],
    ]
    named += rng.sample(odd, rng.choice([0, 1, 1, 2, 3]))
    if rng.random() < 1 / 10:
        named.pop(0)
    rng.shuffle(named)
    return named


def nologin(rng: random.Random) -> list[str]:
    """Arguments of pam_nologin, and its file."""
    path = rng.choice([FILE, Path("/etc/nologin")])
    clear(Path("/etc/nologin"))
    some_file(rng, path, ["going down"])
    named = [f"file={FILE}"] if path == FILE else []
    return rng.sample(["successok", "debug", "file=", *named * 4], rng.randrange(3)) or named


def shells(rng: random.Random) -> list[str]:
    """The file of pam_shells."""
    some_file(rng, Path("/etc/shells"), [*SHELLS, long(rng, SHELLS[0]), "# /bin/sh", " /bin/sh"])
    return []


def securetty(rng: random.Random) -> list[str]:
    """The file of pam_securetty."""
    ttys = [one for one in TTYS if one]
    some_file(rng, Path("/etc/securetty"), [*ttys, long(rng, "tty1")])
    return rng.choice([[], ["noconsole"], ["noconsole", "debug"]])


def usertype(rng: random.Random) -> list[str]:
    """Arguments of pam_usertype."""
    return rng.choices(
        ["issystem", "isregular", "use_uid", "audit", "other"], k=rng.randrange(1, 4)
    )


def localuser(rng: random.Random) -> list[str]:
    """Arguments of pam_localuser, and its file."""
    some_file(rng, FILE, [f"{name}:x:1:1::/:/bin/sh" for name in USERS] + ["galuser", " root:x"])
    return rng.choice([[], [f"file={FILE}"], [f"file={FILE}", "debug"]])


def wheel(rng: random.Random) -> list[str]:
    """Arguments of pam_wheel."""
    words = ["deny", "trust", "root_only", "use_uid", "debug", "group=", "group=none"]
    groups = [f"group={name}" for name in ("models", "root", "modelother")]
    return rng.sample([*words, *groups * 2], rng.randrange(4))


def rootok(rng: random.Random) -> list[str]:
    """Arguments of pam_rootok."""
    return rng.choice([[], ["debug"]])


def logic(rng: random.Random, names: list[str]) -> str:
    """A field of time.conf."""
    words = [rng.choice(["", "", "", "!", "! ", "!!"]) + rng.choice(names)]
    for _ in range(rng.choice([0, 0, 0, 1, 2])):
        words += [rng.choice(["|", "|", "&", " & ", " ", "&|"]), rng.choice(["", "!"])]
        words.append(rng.choice(names))
    return "".join(words)


def time(rng: random.Random) -> list[str]:
    """Arguments of pam_time, and its file."""
    lines = []
    for _ in range(4):
        fields = [
            logic(rng, ["*", "models", "mod*", "*els", "m*s", "other", "models2"]),
            logic(rng, ["*", "tty1", "tty*", "pts/0", "x", ":0", "ssh"]),
            logic(rng, ["*", *USERS, "gal*", "*root", "g*x"]),
            logic(rng, ["Al0000-2400"]),
        ]
        for odd in ("", "more", "a;b;c;!Al0000-2400", "# a comment; more"):
            fields += [odd] if odd and rng.random() < 1 / 12 else []
        if rng.random() < 1 / 10:
            fields.pop()
        lines.append(rng.choice([";", ";", "; ", " ;\t", ";\\\n"]).join(fields))
    some_file(rng, FILE, [*lines, "# one", " ", "\t;*;*;*;!Al0000-2400", lines[0] + " # x"])
    return rng.choice([[f"conffile={FILE}"], [f"conffile={FILE}", "conffile=", "noaudit"]])


FIELDS = words("user login uid gid shell home dir service rhost tty USER colour")
TESTS = words(
    """
    lt le eq ge gt ne < <= > >= = != =~ !~ glob noglob in notin ingroup notingroup IN is
    """
)
NUMBERS = words(
    """
    0 1 99 100 1000 4101 0x1005 010005 +5
    -1 12 0x 08 9223372036854775808 many
    """
)
PATTERNS = words(
    r"""
    * g* gal* [gm]* *r ?oot [^g]* [!g]* gal[a-z]ser
    g\alu* ho.t 10.* *:* /bin/* tty[0-9] [
    """
)


def condition(rng: random.Random) -> list[str]:
    """A condition of pam_succeed_if."""
    field = rng.choice(FIELDS)
    test = rng.choice(TESTS)
    values = ["models", "", "ssh", "/home/galuser", *NAMES, *SHELLS]
    values += [one for one in (*RHOSTS, *TTYS) if one]
    listed = ":".join(rng.choices(values, k=rng.choice([1, 2, 3])))
    if re.match("l|g[et]|eq|ne|<|>", test) and rng.random() < 4 / 5:
        return [rng.choice(["uid", "gid", field]), test, rng.choice([*NUMBERS, "", " 7", "7 "])]
    return [field, test, rng.choice([listed, rng.choice(values), rng.choice(PATTERNS)])]


def succeed_if(rng: random.Random) -> list[str]:
    """Arguments of pam_succeed_if."""
    made = [word for _ in range(rng.choice([1, 1, 1, 2])) for word in condition(rng)]
    return made + rng.choices(["quiet", "audit", "debug", "left"], k=rng.choice([0, 0, 1]))


def of_caller(rng: random.Random) -> list[str]:
    """Arguments of pam_succeed_if that are about who runs the program."""
    by_group = [
        "user",
        rng.choice(["ingroup", "notingroup"]),
        rng.choice(["models", "root", "x:models"]),
    ]
    by_uid = [
        "uid",
        rng.choice(["lt", "ge", "eq", "ne", ">", "<="]),
        rng.choice(["0", "1", "4101"]),
    ]
    by_name = ["user", rng.choice(["=", "!=", "in"]), rng.choice(CALLERS)]
    return ["use_uid", *rng.choice([by_group, by_uid, by_name])]


GENERATORS: dict[str, tuple[str, Callable[[random.Random], list[str]]]] = {
    "listfile": ("pam_listfile", listfile),
    "localuser": ("pam_localuser", localuser),
    "nologin": ("pam_nologin", nologin),
    "rootok": ("pam_rootok", rootok),
    "securetty": ("pam_securetty", securetty),
    "shells": ("pam_shells", shells),
    "succeed_if": ("pam_succeed_if", succeed_if),
    "succeed_if of the caller": ("pam_succeed_if", of_caller),
    "time": ("pam_time", time),
    "usertype": ("pam_usertype", usertype),
    "wheel": ("pam_wheel", wheel),
}


@pytest.mark.parametrize("name", GENERATORS)
def test_it_is_the_module(name: str, confdir: Path) -> None:
    """Somebody would be told that a rule lets them in, which refuses, or the reverse."""
    rng = random.Random(SEED)  # noqa: S311  reproducible, not secret
    module, arguments = GENERATORS[name]
    (confdir / "other").touch()
    outcomes = Counter[str]()
    for _ in range(CASES):
        words, origin = arguments(rng), some_origin(rng)
        call = rng.choice(["auth", "account", "account", "session"])
        case = Case(module, words, rng.choice(USERS), origin, call, rng.choice(CALLERS))
        real = theirs(case, confdir)
        said = ours(case, confdir)
        text = FILE.read_bytes() if FILE.is_file() else None
        assert said == real, f"{case}\n{text!r}"
        outcomes[real] += 1
    print(dict(outcomes.most_common()))  # noqa: T201  for who asks with -s
    assert len(outcomes) > 1
    assert outcomes.most_common()[0][1] < CASES * 0.97
