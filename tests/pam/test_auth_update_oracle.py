"""pamconf's verdict on edited common-* files, side by side with the real pam-auth-update."""

import os
import random
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from pamconf import auth_update, lines, stack
from pamconf.auth_update import KINDS, MARKERS
from pamconf.tree import Tree
from tests.conftest import CHECKOUT

CASES = 500
TRIES = 9  # of an operation, until it changes something
SEED = 1097  # as good as any
CASES_EACH = 20  # with the same profiles

FIXTURES = CHECKOUT / "tests/fixtures/pam"
SOURCES = [Path("/"), FIXTURES / "debian-12", FIXTURES / "debian-12-desktop", Path("/")]
TEXTS = PRIMARY, FALLBACK, ADDITIONAL, END = tuple(marker.decode() for marker in MARKERS)

CANARY = "Name: Canary\nDefault: yes\nPriority: 1\n" + "".join(
    f"{type_}-Type: Additional\n{type_}:\n\toptional pam_permit.so canary\n"
    for type_ in ("Auth", "Account", "Password", "Session")
)

# Profiles that few would write. Each is whole.
ODD = {
    "two-jumps": "Auth-Type: Primary\nAuth:\n [success=end user_unknown=end] pam_debug.so\n"
    "Session-Type: Additional\nSession: optional pam_debug.so\n",
    "numbers": "Auth-Type: Primary\nAuth:\n [success=1 default=2] pam_debug.so [uid=7]\n"
    " [success=end default=die] pam_debug.so uid=8\n"
    "Session-Type: Additional\nSession:\n optional pam_debug.so [umask=022] [x 1]\n",
    "comment": "Auth-Type: Additional\nAuth:\n # why\n optional pam_debug.so\n"
    "Session-Type: Additional\nSession:\n optional pam_debug.so\n # behind\n",
    "dash": "Auth-Type: Primary\nAuth:\n -[success=end default=ignore] pam_debug.so\n"
    "Account-Type: Additional\nAccount:\n -optional pam_debug.so\n required pam_permit.so\n",
    "glued": "Auth-Type: Primary\nAuth:\n [success=end default=ignore]pam_debug.so x\n",
    "pam_append": "Session-Type: Additional\nSession:\n optional pam_append.so end [a=end]\n",
    "one-word": "Session-Type: Additional\nSession:\n optional\n required pam_permit.so\n",
    "type": "Auth-Type: Tertiary\nAuth:\n optional pam_debug.so\nSession-Type: Additional\n"
    "Session-Interactive-Only: yes\nSession-Final:\n optional pam_echo.so\n",
    "initial": "Auth-Type: Primary\nAuth:\n required\tpam_debug.so  a  b\n"
    "Auth-Initial:\n required\tpam_debug.so  c\n",
}


@dataclass(frozen=True)
class Machine:
    """A root with profiles, the five files, and the record of what was written."""

    root: Path

    def path(self, kind: str) -> Path:
        """One of the five."""
        return self.root / f"etc/pam.d/common-{kind}"

    def record(self, kind: str) -> Path:
        """What was written into it."""
        return self.root / "var/lib/pam" / kind

    def update(self, *options: str) -> str:
        """Run pam-auth-update as a package does; returns what it says."""
        environment = {
            **os.environ,
            "DEBIAN_FRONTEND": "noninteractive",
            "DEBCONF_SYSTEMRC": str(self.root / "debconf.conf"),
            "LC_ALL": "C.UTF-8",
        }
        done = subprocess.run(
            ["pam-auth-update", "--package", *options, "--root", self.root],
            env=environment,
            capture_output=True,
            timeout=60,
            check=True,
        )
        return done.stderr.decode(errors="replace")

    def has_canary(self) -> bool:
        """Whether the canary's rules are in all five."""
        return all(b"canary" in self.path(kind).read_bytes() for kind in KINDS)

    def edits(self, kind: str) -> list[auth_update.Edit]:
        """Our verdict on one."""
        path = f"/etc/pam.d/common-{kind}"
        content = self.path(kind).read_bytes()
        return auth_update.edits(stack.File(path, lines.parse(content)), Tree(self.root))

    def states(self) -> dict[Path, bytes]:
        """All that an update changes."""
        folders = (self.root / "etc/pam.d", self.root / "var/lib/pam")
        return {path: path.read_bytes() for folder in folders for path in folder.iterdir()}

    def put_back(self, states: Mapping[Path, bytes]) -> None:
        """Undo all that was changed since then."""
        for path in self.states().keys() - states.keys():
            path.unlink()
        for path, content in states.items():
            path.write_bytes(content)


def machine(root: Path, source: Path, more: Mapping[str, str] | None = None) -> Machine:
    """Make a machine with the profiles and five files of `source`, and a canary not yet seen.

    Where `source` has no record, pam-auth-update writes it, with the files.
    """
    for folder in ("etc/pam.d", "var/lib/pam"):
        (root / folder).mkdir(parents=True)
    database = "".join(
        f"\nName: {name}\nDriver: File\nFilename: {root}/{name}.dat\n"
        for name in ("config", "templates")
    )
    (root / "debconf.conf").write_text(f"Config: config\nTemplates: templates\n{database}")
    shutil.copytree(source / "usr/share/pam-configs", root / "usr/share/pam-configs")
    for name, text in (more or {}).items():
        head = f"Name: {name}\nDefault: yes\nPriority: {len(text)}\n"
        (root / "usr/share/pam-configs" / name).write_text(head + text)
    made = Machine(root)
    has_record = (source / "var/lib/pam").is_dir() and not more
    for kind in KINDS:
        shutil.copy(source / f"etc/pam.d/common-{kind}", made.path(kind))
        if has_record:
            shutil.copy(source / "var/lib/pam" / kind, made.record(kind))
    if has_record:
        shutil.copy(source / "var/lib/pam/seen", root / "var/lib/pam/seen")
    else:
        made.update("--force")
    (root / "usr/share/pam-configs/canary").write_text(CANARY)
    return made


def is_left_alone(made: Machine) -> bool:
    """The program's own verdict: it no longer writes all of the five files."""
    said = made.update()
    written = made.has_canary()
    assert not (written and "Local modifications" in said)
    return not written


# --- Hand-picked ----------------------------------------------------------------------------------

UNIX = "auth\t[success=2 default=ignore]\tpam_unix.so nullok\n"
SSS = "auth\t[success=1 default=ignore]\tpam_sss.so use_first_pass\n"
DENY = "auth\trequisite\t\t\tpam_deny.so\n"
CAP = "auth\toptional\t\t\tpam_cap.so \n"

# What is done to common-auth of the desktop: old, new, whether that stops updates.
PICKED: dict[str, tuple[str, str, bool]] = {
    "nothing": ("", "", False),
    "a rule inside": (UNIX, f"auth required pam_tty.so\n{UNIX}", True),
    "a rule at the end of the block": (CAP, f"{CAP}auth optional pam_echo.so\n", True),
    "a rule above": (PRIMARY, f"auth required pam_env.so\n{PRIMARY}", False),
    "a rule above, glued to the marker's comment": (PRIMARY, f"{PRIMARY}, mine", False),
    "a rule below": (END, f"{END}\nauth optional pam_group.so", False),
    "a rule before the fallback's": (DENY, f"auth optional pam_echo.so\n{DENY}", False),
    "the fallback's rule gone": (DENY, "", False),
    "a rule of a package gone": (SSS, "", False),
    "the first rule gone": (UNIX, "", False),
    "the last rule gone": (CAP, "", False),
    "all of the Primary rules gone": (UNIX + SSS, "", False),
    "two rules swapped": (UNIX + SSS, SSS + UNIX, True),
    "a rule twice": (SSS, SSS + SSS, True),
    "a rule commented out": (SSS, f"#{SSS}", True),
    "another control": ("auth\toptional\t\t\tpam_cap", "auth\trequired\t\t\tpam_cap", True),
    "another action": ("success=1 default=ignore", "success=1 default=bad", True),
    "one more action": ("success=1 default", "success=1 new_authtok_reqd=1 default", True),
    "another jump": ("success=2", "success=3", False),
    "a jump of two digits": ("success=2", "success=12", False),
    "a jump made an action": ("success=2", "success=done", True),
    "another module": ("pam_sss.so", "pam_ldap.so", True),
    "a module with its folder": ("pam_sss.so", "/lib/security/pam_sss.so", True),
    "a longer module": ("pam_unix.so ", "pam_unix.so2 ", False),
    "one more argument": ("nullok", "nullok debug", False),
    "an argument gone": (" nullok", "", False),
    "another argument": ("nullok", "nodelay", False),
    "arguments in brackets": ("nullok", "[file=/x 1] [2]", False),
    "a comment behind a rule": ("nullok\n", "nullok  # as ever\n", False),
    "a comment glued to a rule": ("nullok\n", "nullok#\n", False),
    "a backslash behind a rule": ("nullok\n", "nullok \\\n", False),
    "a rule over two lines": ("pam_unix.so nullok", "pam_unix.so \\\n nullok", True),
    "an empty line": (SSS, f"\n{SSS}", True),
    "an empty line at the end of the block": (END, f"\n{END}", True),
    "an empty line before the fallback's marker": (FALLBACK, f"\n{FALLBACK}", True),
    "an empty line behind the fallback's marker": (DENY, f"\n{DENY}", False),
    "a comment": (SSS, f"# people from afar\n{SSS}", True),
    "a comment of the boilerplate edited": ("# prime the stack", "# why", False),
    "white space behind the type": ("auth\t[", "auth    \t[", False),
    "white space behind the module": ("pam_unix.so nullok", "pam_unix.so \t nullok", False),
    "white space behind the control": ("]\tpam_sss", "] pam_sss", True),
    "white space in the control": ("success=1 default", "success=1  default", True),
    "white space before a rule": (SSS, f" {SSS}", True),
    "white space behind a rule": ("pass\n", "pass\t \n", False),
    "white space behind a rule gone": ("pam_cap.so \n", "pam_cap.so\n", False),
    "a dash": (CAP, f"-{CAP}", True),
    "a type in capitals": ("auth\toptional", "AUTH\toptional", True),
    "another type": ("auth\toptional", "account\toptional", True),
    "no type": ("auth\toptional", "optional", False),
    "the type twice": ("auth\toptional", "auth auth\toptional", True),
    "a rule of the Additional block in the other": (
        f"{SSS}{FALLBACK}", f"{SSS}{CAP}{FALLBACK}", True,
    ),
    "the first marker gone": (f"{PRIMARY}\n", "", True),
    "the second marker gone": (f"{FALLBACK}\n", "", True),
    "the third marker gone": (f"{ADDITIONAL}\n", "", True),
    "the last marker gone": (f"{END}\n", "", True),
    "a marker edited": ("here are the per-package", "here are per-package", True),
    "a marker edited at its end": ("module succeeds", "module succeeds, alas", False),
    "a marker indented": (END, f" {END}", True),
    "a marker with the type before it": (FALLBACK, f"auth {FALLBACK}", True),
    "such a marker before the real one": (FALLBACK, f"auth {FALLBACK}\nx\n{FALLBACK}", False),
    "a marker twice": (PRIMARY, f"{PRIMARY}\n{PRIMARY}", True),
    "the last marker twice": (END, f"{END}\n{END}", False),
    "the fallback's marker twice": (FALLBACK, f"{FALLBACK}\n{FALLBACK}", False),
    "CR LF": ("\n", "\r\n", False),
    "no last newline": (f"{END}\n", END, False),
}  # fmt: skip


@pytest.fixture(scope="module")
def desktop(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A desktop that nobody has touched."""
    return machine(tmp_path_factory.mktemp("roots") / "desktop", FIXTURES / "debian-12-desktop")


@pytest.fixture
def untouched(desktop: Machine) -> Iterator[Machine]:
    """The desktop, which is put back afterwards."""
    states = desktop.states()
    yield desktop
    desktop.put_back(states)


@pytest.mark.parametrize(("old", "new", "stops"), PICKED.values(), ids=PICKED)
def test_picked(untouched: Machine, old: str, new: str, stops: bool) -> None:
    """An admin would hear of an edit where there is none, or miss that updates have stopped."""
    path = untouched.path("auth")
    text = path.read_bytes().decode()
    assert old in text
    path.write_bytes(text.replace(old, new).encode())
    ours = untouched.edits("auth")
    assert (bool(ours), is_left_alone(untouched)) == (stops, stops), ours


def test_all_markers_gone(untouched: Machine) -> None:
    """Files written by hand would be thought to be updated."""
    untouched.path("account").write_text("account required pam_unix.so\n")
    assert untouched.edits("account")
    assert is_left_alone(untouched)


@pytest.mark.parametrize("source", sorted(set(SOURCES)), ids=str)
def test_what_it_writes(tmp_path: Path, source: Path) -> None:
    """What pam-auth-update has just written would be called edited, in an image above all."""
    made = machine(tmp_path / "root", source)
    assert not any(map(made.edits, KINDS))
    made.update()
    assert made.has_canary()
    assert not any(map(made.edits, KINDS))
    shutil.rmtree(made.root / "var/lib/pam")
    assert not any(map(made.edits, KINDS))


def test_a_record_gone(untouched: Machine) -> None:
    """Nobody would hear that updates have stopped."""
    untouched.record("session").unlink()
    assert untouched.edits("session")
    assert is_left_alone(untouched)


def test_what_is_kept(untouched: Machine) -> None:
    """The module's own description would promise what pam-auth-update does not keep."""
    path = untouched.path("auth")
    text = path.read_text()
    text = text.replace(PRIMARY, f"auth required pam_env.so\n{PRIMARY}")
    text = text.replace(UNIX, UNIX.replace("nullok", "nodelay # mine"))
    text = text.replace(SSS, "").replace(DENY, f"auth optional pam_echo.so\n{DENY}")
    path.write_text(text.replace(CAP, "") + "auth optional pam_group.so\n")
    assert not untouched.edits("auth")
    assert not is_left_alone(untouched)
    after = path.read_text()
    for kept in ("auth required pam_env.so", "auth optional pam_echo.so", "optional pam_group.so"):
        assert kept in after
    assert re.search(r"pam_unix\.so # mine nodelay\n", after)
    assert "pam_sss" in after  # it has other rules, in the other files
    assert "pam_cap" not in after  # it had this one


# --- Random ---------------------------------------------------------------------------------------

RULES = [
    "auth required pam_tty.so\n", "session optional pam_echo.so x\n", "-auth optional pam_cap.so\n",
    "account required pam_permit.so\n", "@include common-account\n", "password\n", "x\n", "]1[\n",
    "session\t[default=1]\t\t\tpam_permit.so\n", "auth [success=2 x=3] pam_debug.so\n",
]  # fmt: skip
NOISE = ["\n", " \n", "\t#\n", "# a comment\n", "#\n", "\r\n", "\\\n", "\0\n", "\xff\xe9\n"]

Operation = Callable[[random.Random, list[str], int], None]
"""Does something to lines, at or near one of them."""


def inserted(*choices: str) -> Operation:
    """Insert one of these."""
    return lambda rng, text, at: text.insert(at, rng.choice(choices))


def replaced(pattern: str, *choices: str) -> Operation:
    """Replace what the pattern finds in a line, once."""

    def operate(rng: random.Random, text: list[str], at: int) -> None:
        text[at] = re.sub(pattern, lambda _: rng.choice(choices), text[at], count=1)

    return operate


def swap(rng: random.Random, text: list[str], at: int) -> None:
    """Swap a line with one near it."""
    other = min(len(text) - 1, at + rng.randint(1, 3))
    text[at], text[other] = text[other], text[at]


def move(rng: random.Random, text: list[str], at: int) -> None:
    """Move a line somewhere else."""
    line = text.pop(at)
    text.insert(rng.randint(0, len(text)), line)


def copy(rng: random.Random, text: list[str], at: int) -> None:
    """Copy a line to a place behind it."""
    text.insert(min(len(text), at + rng.randint(1, 3)), text[at])


def delete(_: random.Random, text: list[str], at: int) -> None:
    """Delete a line."""
    del text[at]


def cut(rng: random.Random, text: list[str], at: int) -> None:
    """Take a character away."""
    where = rng.randrange(len(text[at]))
    text[at] = text[at][:where] + text[at][where + 1 :]


HARMLESS: dict[str, Operation] = {
    "jump": replaced(r"(?<==)\d+", "1", "2", "12", "999"),
    "argument added": replaced(r"\s*\n", " debug\n", " [a=1 b]\n", " end\n", "\tx=[\n", "5 ]\n"),
    "argument gone": replaced(r"(?<=\.so) .*", "", " "),
    "argument changed": replaced(r"(?<=\.so )\S+", "x", "#", "[1]", "end"),
    "comment behind": replaced(r"\n", " # why\n", "#\n", " # [1]\n"),
    "white space behind the type": replaced(r"(?<=[a-z])\s+(?=[\[a-z])", " ", "\t\t", "\f\v", "\r"),
    "white space behind": replaced(r"\n", " \n", "\t\n", "\r\n", "\f\n"),
    "rule gone": delete,
}
HARMFUL: dict[str, Operation] = {
    "rule": inserted(*RULES),
    "noise": inserted(*NOISE),
    "swap": swap,
    "move": move,
    "copy": copy,
    "cut": cut,
    "control": replaced(r"optional|required|requisite", "sufficient", "required", "optional"),
    "action": replaced(r"ignore|done|bad", "die", "ok", "1", "ignore"),
    "more actions": replaced(r"\[", "[user_unknown=1 ", "[ ", "[x=2 y=3 "),
    "module": replaced(r"pam_(\w+)", "pam_unix", "pam_append", "/lib/pam_x"),
    "type": replaced(r"^\S+\s+", "", "-auth ", "session ", "auth\t", " auth ", "Auth "),
    "number": replaced(r"\d+", "", "0", "1 2"),
    "continued": replaced(r" ", " \\\n"),
    "commented out": replaced(r"^", "#", "# "),
    "stray byte": replaced(r"(?=[ \]=.])", "\0", "\xa0", "\x1f", "\x85", "\x0c"),
    "marker": replaced(r"^# (?=here|and here|end)", " # ", "#", "auth # ", "session # ", "# x "),
    "marker's end": replaced(r"\n", " x\n", "\r\n"),
}
RECORD: dict[str, Operation] = {
    "record: gone": delete,
    "record: noise": inserted(*NOISE, "-optional pam_x.so\n", "Module: \n", "Module:\n"),
    "record: rule": inserted("optional pam_x.so\n", "[success=end x=end] pam_debug.so 1\n"),
    "record: control": replaced(r"optional|\[success", "x", "[", "-", "[1", "[x=4 success"),
    "record: cut": cut,
    "record: swap": swap,
}


def text_of(path: Path) -> list[str]:
    """The lines of a file, each with its end."""
    return re.findall(r".*\n|.+", path.read_bytes().decode("latin-1"))


def write(path: Path, text: list[str]) -> None:
    """Write lines."""
    path.write_bytes("".join(text).encode("latin-1"))


def near(rng: random.Random, text: list[str], name: str) -> list[int]:
    """Where an operation may go: to markers, or most often to rules from the block on."""
    if name.startswith("marker"):
        return [at for at, line in enumerate(text) if line.startswith(TEXTS)]
    begin = next((at for at, line in enumerate(text) if line.startswith(PRIMARY)), 0)
    if rng.random() < 0.1:
        begin = 0
    rules = [at for at in range(begin, len(text)) if not text[at].startswith("#")]
    return rules if rules and rng.random() < 0.8 else list(range(begin, len(text)))


def operate(rng: random.Random, made: Machine, done: Counter[str]) -> str:
    """Change one of the five files, and in a fifth of all cases its record; returns which."""
    kind = rng.choice(KINDS)
    text = text_of(made.path(kind))
    tables = rng.choice([[HARMLESS], [HARMLESS, HARMFUL]])
    for _ in range(rng.choice([0, 1, 1, 2, 2, 3])):
        table = rng.choice(tables)
        name = rng.choice(list(table))
        before = list(text)
        for at in rng.choices(near(rng, text, name) or [0], k=TRIES):
            if text == before and at < len(text):
                table[name](rng, text, at)
        done[name] += text != before
    if rng.random() < 0.1 and text:
        text[-1] = text[-1].rstrip("\n")
        done["no last newline"] += 1
    write(made.path(kind), text)
    if rng.random() < 0.2:
        record = text_of(made.record(kind))
        name = rng.choice(list(RECORD))
        RECORD[name](rng, record, rng.randrange(len(record)))
        done[name] += 1
        write(made.record(kind), record)
    return kind


def test_random(tmp_path: Path) -> None:
    """An admin would hear of an edit where there is none, or miss that updates have stopped."""
    rng = random.Random(SEED)  # noqa: S311  reproducible, not secret
    done, outcomes = Counter[str](), Counter[str]()
    for number in range(CASES // CASES_EACH):
        names = rng.sample(list(ODD), number % 3)
        source = SOURCES[number % len(SOURCES)]
        made = machine(tmp_path / str(number), source, {name: ODD[name] for name in names})
        states = made.states()
        for _ in range(CASES_EACH):
            kind = operate(rng, made, done)
            ours = {each: found for each in KINDS if (found := made.edits(each))}
            record = made.record(kind).read_bytes()
            content = made.path(kind).read_bytes()
            theirs = is_left_alone(made)
            assert bool(ours) == theirs, f"{kind} {ours}\n{record!r}\n{content.decode('latin-1')}"
            outcomes["left alone" if theirs else "written"] += 1
            made.put_back(states)
    print(*(f"{count:6} {name}" for name, count in (outcomes + done).most_common()), sep="\n")  # noqa: T201  for who asks with -s
    assert min(outcomes.values()) > CASES // 5  # the generator is not one-sided
    assert min(done[name] for name in [*HARMLESS, *HARMFUL, *RECORD]) >= CASES // 250
