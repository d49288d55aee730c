"""The documents, held against what they speak of."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from doorward import errors
from doorward.commands import doctor, enroll, pam
from doorward.doctor import since
from doorward.doctor.areas import AREAS
from doorward.doctor.finding import Status
from doorward.main import group
from doorward.pam_models import WITH_DOORWARD
from doorward.process import filtered
from PIL import Image

import pamconf
from pamconf import graph
from pamconf.access_who import Origin
from pamconf.login import World
from tests.conftest import CHECKOUT
from tests.screen import scanned

DOCUMENTS = sorted(
    path for pattern in ("*.md", "docs/*.md", "lab/*.md") for path in CHECKOUT.glob(pattern)
)
ANYWHERE = {"from there": Origin("192.168.1.9"), "from elsewhere": Origin("203.0.113.9")}
README = (CHECKOUT / "README.md").read_text()


@pytest.mark.parametrize("path", DOCUMENTS, ids=[path.name for path in DOCUMENTS])
def test_links_lead_somewhere(path: object) -> None:
    """A reader would click into nothing."""
    document = CHECKOUT / str(path)
    for target in re.findall(r"\]\(([^)#]+)", document.read_text()):
        assert target.startswith("https://") or (document.parent / target).exists(), target


def module_options() -> set[str]:
    """The options that the module's source knows."""
    source = (CHECKOUT / "pam_module/core/options.c").read_text()
    return {name.rstrip("=") for name in re.findall(r'"([a-z_-]{4,}=?)"', source)}


def test_every_option_of_the_module_is_in_readme() -> None:
    """An admin would not know of an option, or try one that refuses everybody."""
    table = README.split("## The module's options")[1].split("\n\n")[1]
    described = {
        option.split("=")[0]
        for row in table.splitlines()[2:]
        for option in re.findall(r"`([^`]+)`", row.split("|")[1])
    }
    assert described == module_options()


def test_every_option_of_the_module_is_in_its_man_page() -> None:
    """As above, for who has no README at hand."""
    page = (CHECKOUT / "docs/man/pam_doorward.8").read_text()
    options = page.split(".SH OPTIONS")[1].split('.SH "MODULE TYPES')[0]
    tags = re.findall(r"^\.TP\n\.[BIR]+ (.+)$", options, re.MULTILINE)
    assert {word for tag in tags for word in re.findall(r"[a-z_-]{4,}", tag)} == module_options()


def test_every_exit_code_is_in_the_man_page() -> None:
    """A script could not tell what has happened, or wait for what never does."""
    rows = (errors.__doc__ or "").split("====\n")[1].split("\n")
    table = {row.split()[0] for row in rows if row[:4].strip().isdigit()}
    page = (CHECKOUT / "docs/man/doorward.1").read_text()
    status = re.split(r"^\.SH .*", page.split('.SH "EXIT STATUS"')[1], flags=re.MULTILINE)[0]
    tags = re.findall(r"^\.TP\n(\.BR? .+)$", status, re.MULTILINE)
    assert {number for tag in tags for number in re.findall(r"\d+", tag)} == table


def described_options(text: str) -> set[str]:
    """The options that a part of a man page has paragraphs for."""
    plain = text.replace("\\-", "-")
    tags = re.findall(r"^\.T[PQ]\n\.[BIR]+ (-.+)$", plain, re.MULTILINE)
    return {word for tag in tags for word in re.findall(r"--?[a-z-]+", tag)}


def accepted_options(accepting: click.Command) -> set[str]:
    """The options that a command takes, but for those that all take."""
    options = {option for param in accepting.params for option in param.opts}
    return {option for option in options if option.startswith("-")}


HELP = {"-h", "--help"}


@pytest.mark.parametrize(
    ("name", "command"), [("doctor", doctor.command), ("enroll", enroll.command)]
)
def test_every_option_of_a_command_is_in_its_man_page(name: str, command: click.Command) -> None:
    """Whoever runs it would look for an option in vain, or type one that is not there."""
    page = (CHECKOUT / f"docs/man/doorward-{name}.1").read_text()
    assert described_options(page) == accepted_options(command) | HELP


def test_the_man_page_of_doctor_says_what_it_says() -> None:
    """Whoever reads a word of the checklist would not find what it means."""
    page = (CHECKOUT / "docs/man/doorward-doctor.1").read_text().replace("\\-", "-")
    parts = dict(part.split("\n", 1) for part in page.split(".S")[1:])
    tags = {
        name: re.findall(r"^\.TP\n\.B (.+)$", text, re.MULTILINE) for name, text in parts.items()
    }
    assert tags["H DESCRIPTION"] == [*Status]
    assert tags["S What is looked at"] == [area.name for area in AREAS]
    assert since.STATE in parts["H FILES"]


def commands_of(group: click.Group, name: str = "") -> dict[str, click.Command]:
    """A group's commands, those of its groups too, by their names: "access check"."""
    found: dict[str, click.Command] = {}
    context = click.Context(group)
    for one in group.list_commands(context):
        command = group.get_command(context, one)
        assert command
        inside = command if isinstance(command, click.Group) else None
        found |= commands_of(inside, f"{name}{one} ") if inside else {f"{name}{one}": command}
    return found


def test_every_command_is_in_the_man_page() -> None:
    """As above, of the command line: an admin would not know what else there is."""
    page = (CHECKOUT / "docs/man/doorward.1").read_text().replace("\\-", "-")
    commands = page.split(".SH COMMANDS\n")[1].split(".SH ")[0]
    context = click.Context(group)
    assert re.findall(r"^\.TP\n\.B (.+)$", commands, re.MULTILINE) == group.list_commands(context)


def test_every_command_of_pam_is_in_its_man_page() -> None:
    """As above, of the commands about PAM: each has its own part of OPTIONS, named as it is."""
    page = (CHECKOUT / "docs/man/doorward-pam.1").read_text()
    options = page.split(".SH OPTIONS\n")[1].split(".SH ")[0]
    parts = dict(part.split("\n", 1) for part in options.split(".SS ")[1:])
    described = {name.replace("\\-", "-"): described_options(of) for name, of in parts.items()}
    commands = commands_of(pam.command).items()
    accepted = {name: accepted_options(command) for name, command in commands}
    assert described == accepted | {"All of them": HELP}
    synopsis = page.split(".SH SYNOPSIS\n")[1].split(".SH ")[0].replace("\\-", "-")
    assert [name for name in accepted if f"doorward pam {name}" not in synopsis] == []


def test_every_man_page_is_installed() -> None:
    """A package would lack a page."""
    named = re.findall(r"'docs/man/([^']+)'", (CHECKOUT / "meson.build").read_text())
    assert {*named} == {path.name for path in (CHECKOUT / "docs/man").iterdir()}


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A desktop of Debian 12's, set up as README says."""
    stock = CHECKOUT / "tests/fixtures/pam/debian-12-desktop"
    shutil.copytree(stock, tmp_path, dirs_exist_ok=True)
    (settings,) = re.findall(r"00-doorward\.conf`:\n\n```\n(.*?)```", README, re.DOTALL)
    files = {
        "etc/ssh/sshd_config": "Include /etc/ssh/sshd_config.d/*.conf\n",
        "etc/ssh/sshd_config.d/00-doorward.conf": settings,
        "etc/security/access-doorward.conf": "+ : ALL : 192.168.1.0/24\n",
        "etc/passwd": "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n",
        "etc/group": "root:x:0:\nalice:x:1000:\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def recipe_of_ssh(machine: Path) -> None:
    """The line for sshd, below the one that asks for the password."""
    (line,) = re.findall(r"^auth .*accessfile=.*$", README, re.MULTILINE)
    password = "@include common-auth\n"
    stock = (CHECKOUT / "tests/fixtures/pam/debian-12/etc/pam.d/sshd").read_text()
    text = stock.replace(password, f"{password}{line}\n")
    (machine / "etc/pam.d/sshd").write_text(text)


def recipe_of_the_desktop(machine: Path) -> None:
    """The line at the end of common-auth."""
    (line,) = re.findall(r"end of pam-auth-update config\n(auth .*)$", README, re.MULTILINE)
    path = machine / "etc/pam.d/common-auth"
    path.write_text(f"{path.read_text()}{line}\n")


@pytest.mark.parametrize(("number", "recipe"), [(0, recipe_of_ssh), (1, recipe_of_the_desktop)])
def test_what_readme_shows_of_explain(
    machine: Path, number: int, recipe: Callable[[Path], None]
) -> None:
    """A newcomer would be shown what the command does not say."""
    recipe(machine)
    shown = re.findall(r"```console\n# doorward (pam explain .*)\n((?:.*\n)*?)```", README)
    assert len(shown) == 2
    arguments, output = shown[number]
    done = subprocess.run(
        [sys.executable, "-m", "doorward", *arguments.split(), "--root", str(machine)],
        capture_output=True,
        check=True,
        text=True,
    )
    assert done.stdout == output


def forget_a_setting(machine: Path) -> None:
    """Leave out of the settings what Debian says otherwise, and remark on the network."""
    (machine / "etc/ssh/sshd_config.d/00-doorward.conf").write_text("UsePAM yes\n")
    (machine / "etc/ssh/sshd_config").write_text(DEBIANS)
    access = machine / "etc/security/access-doorward.conf"
    access.write_text(access.read_text().replace("\n", "  # the office\n"))


def test_what_readme_shows_of_lint(machine: Path) -> None:
    """As above, of what is wrong."""
    recipe_of_ssh(machine)
    forget_a_setting(machine)
    (shown,) = re.findall(r"```console\n# doorward pam lint sshd\n((?:.*\n)*?)```", README)
    command = [sys.executable, "-m", "doorward", "pam", "lint", "sshd", "--root", str(machine)]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode == 1
    assert done.stdout.replace(str(machine), "") == shown


DEBIANS = """Include /etc/ssh/sshd_config.d/*.conf

KbdInteractiveAuthentication no
UsePAM yes
"""
"""What counts here of the sshd_config that Debian comes with."""


def test_every_reason_in_the_log_is_in_readme() -> None:
    """An admin would read a word in the log and not find what it means."""
    folder = CHECKOUT / "pam_module"
    module = (folder / "pam/pam_doorward.c").read_text()
    said = set(re.findall(r'return "([a-z-]+)";', (folder / "core/verify.c").read_text()))
    said |= set(re.findall(r'(?:because\(l,\s*|pass_over\(l, |reason = )"([a-z-]+)"', module))
    said |= {"code", "recovery-code", "unknown-user", "unknown-user-in-options"}  # by a condition
    table = README.split("### The log")[1].split("| `result` |")[1].split("\n\n")[0]
    cells = [row.split("|")[2] for row in table.splitlines()[2:]]
    assert {word for cell in cells for word in re.findall(r"`([a-z-]+)`", cell)} - {
        "device"
    } == said


def test_every_key_of_the_file_is_described() -> None:
    """Whoever reads a secret file would not know what a line of it means."""
    source = "".join(path.read_text() for path in CHECKOUT.glob("pam_module/core/*.c"))
    read = set(re.findall(r'"([A-Z_]{6,})"', source))
    described = set(
        re.findall(r"^\| `([A-Z_]+)", (CHECKOUT / "docs/FILEFORMAT.md").read_text(), re.MULTILINE)
    )
    assert described - {"LAST"} == read - {"EXCEPT", "SECRET"} | {"TOTP_AUTH"}


def test_the_picture_in_readme_can_be_scanned() -> None:
    """The first thing that a newcomer sees would be a QR code that is none."""
    name, *_ = re.findall(r"!\[[^]]*\]\(([^)]+)\)", README)
    assert scanned(Image.open(CHECKOUT / name)).startswith("otpauth://totp/")


def test_the_drawing_in_readme(tmp_path: Path) -> None:
    """Who draws their own sshd would get another picture than the one that is shown."""
    line = "auth required pam_doorward.so nullok accessfile=/etc/security/access-doorward.conf\n"
    assert "```\n" + line + "```" in README
    shutil.copytree(CHECKOUT / "tests/fixtures/pam/debian-12", tmp_path, dirs_exist_ok=True)
    sshd, common = tmp_path / "etc/pam.d/sshd", "@include common-auth\n"
    sshd.write_text(sshd.read_text().replace(common, common + line))
    access = README.split("# permission : users : origins\n")[1].split("```")[0]
    (tmp_path / "etc/security/access-doorward.conf").write_text(access)
    picture = graph.dot(
        pamconf.load("sshd", tmp_path), "auth", WITH_DOORWARD, World(tmp_path, places=ANYWHERE)
    )
    drawn = filtered(["dot", "-Tsvg"], picture.encode(), hint="").decode()
    shown = (CHECKOUT / "docs/pam-graph.svg").read_text()
    assert re.findall(r">([^<\n]+)</", drawn) == re.findall(r">([^<\n]+)</", shown)


def test_the_example_of_pamconf(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever copies the ten lines would have them fail, or say what is not so, on a Debian."""
    root = CHECKOUT / "tests/fixtures/pam/debian-12"
    document = (CHECKOUT / "docs/pamconf.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", document, re.DOTALL)
    exec(example.replace('load("sshd")', f'load("sshd", root={str(root)!r})'), {})  # noqa: S102 - our own document
    said = capsys.readouterr().out
    assert said.startswith(
        "/etc/pam.d/common-auth:17 success=1 default=ignore pam_unix.so nullok\n"
        "/etc/pam.d/common-auth:19 requisite pam_deny.so\n"
        "/etc/pam.d/common-auth:23 required pam_permit.so\n"
        "auth_err because of /etc/pam.d/common-auth:19\n"
        "Anybody: password alone (common-auth:17).\n"
        "# PAM configuration for the Secure Shell service\n"
    )
    assert "@include common-auth\nauth required pam_doorward.so\n" in said
