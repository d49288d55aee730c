"""`doorward pam graph`: a picture of a service, on standard output or in a file."""

import os
import pty
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from doorward import process
from doorward.errors import DoorwardError

STOCK = Path(__file__).parents[1] / "fixtures" / "pam" / "debian-12-desktop"
LINE = "auth required pam_doorward.so nullok accessfile=/etc/security/lan.conf\n"
SVG = "{http://www.w3.org/2000/svg}"


def run(
    *arguments: object, env: Mapping[str, str] | None = None, stdout: int = subprocess.PIPE
) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    return subprocess.run(
        [sys.executable, "-m", "doorward", "pam", "graph", *map(str, arguments)],
        check=False,
        encoding="utf-8",
        env=env,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine of Debian 12, whose sshd asks for a code from outside its network."""
    folder = tmp_path / "root"
    shutil.copytree(STOCK, folder)
    sshd = folder / "etc/pam.d/sshd"
    password = "@include common-auth\n"
    sshd.write_text(sshd.read_text().replace(password, password + LINE))
    (folder / "etc/security/lan.conf").write_text("+ : ALL : 192.168.1.0/24\n- : ALL : ALL\n")
    return folder


def titles(svg: str) -> set[str | None]:
    """The names of what is drawn."""
    return {found.text for found in ET.fromstring(svg).iter(f"{SVG}title")}  # noqa: S314 - dot's


def test_a_picture(root: Path) -> None:
    """What comes out would be no picture, or one of another service."""
    done = run("sshd", "--root", root)
    assert (done.returncode, done.stderr) == (0, "")
    assert {"sshd auth", "rule5", "in", "refused_later5"} <= titles(done.stdout)
    said = [found.text for found in ET.fromstring(done.stdout).iter(f"{SVG}text")]  # noqa: S314 - as above
    assert "pam_doorward" in said
    assert said[said.index("may ask: ") :][:2] == ["may ask: ", "code"]


def test_a_file(root: Path, tmp_path: Path) -> None:
    """A picture would be left half written, or unreadable to others, or not be renewed."""
    path = tmp_path / "sshd.svg"
    for type_ in ("account", "session"):
        done = run("sshd", "--root", root, "--type", type_, "--output", path)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert f"sshd {type_}" in titles(path.read_text())
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert sorted(one.name for one in tmp_path.iterdir()) == ["root", "sshd.svg"]


@pytest.mark.parametrize("kind", ["a link", "a folder", "a pipe"])
def test_what_is_not_replaced(root: Path, tmp_path: Path, kind: str) -> None:
    """Root would replace a device, or what somebody else's link leads to."""
    target, path = tmp_path / "target", tmp_path / "path"
    target.write_text("mine")
    if kind == "a link":
        path.symlink_to(target)
    elif kind == "a folder":
        path.mkdir()
    else:
        os.mkfifo(path)
    done = run("sshd", "--root", root, "--output", path)
    assert done.returncode == 8
    assert "not a regular file" in done.stderr
    assert "hint: " in done.stderr
    assert target.read_text() == "mine"


def test_a_terminal(root: Path) -> None:
    """A person would have a screen full of SVG."""
    above, terminal = pty.openpty()
    try:
        done = run("sshd", "--root", root, stdout=terminal)
        assert done.returncode == 2
        assert "say --output FILE, or --dot" in done.stderr
        assert run("sshd", "--root", root, "--dot", stdout=terminal).returncode == 0
        assert os.read(above, 9) == b'digraph "'
    finally:
        os.close(above)
        os.close(terminal)


def test_without_graphviz(root: Path, tmp_path: Path) -> None:
    """Who has no graphviz would not know what is missing, or get no picture at all."""
    path = tmp_path / "sshd.svg"
    env = {**os.environ, "PATH": str(tmp_path)}
    done = run("sshd", "--root", root, "--output", path, env=env)
    assert done.returncode == 1
    assert done.stderr.split("\n")[:2] == [
        "doorward: error: dot cannot be run: No such file or directory",
        "hint: 'apt install graphviz' has dot. With --dot there is text instead of a picture.",
    ]
    assert not path.exists()
    done = run("sshd", "--root", root, "--dot", env=env)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith('digraph "sshd auth" {\n')


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["cat"], b"text"),
        (["sh", "-c", "echo no >&2; exit 3"], "sh failed: no"),
        (["false"], "false failed: it ended with 1"),
        (["sleep", "60"], "sleep took longer than 0.2 seconds"),
        (["no-such-program"], "no-such-program cannot be run: No such file or directory"),
    ],
)
def test_another_program(argv: list[str], said: bytes | str) -> None:
    """A program that fails, hangs or is missing would pass for one that has done its work."""
    if isinstance(said, bytes):
        assert process.filtered(argv, said, hint="try") == said
        return
    with pytest.raises(DoorwardError) as caught:
        process.filtered(argv, b"text", hint="try", seconds=0.2)
    assert (caught.value.message, caught.value.hint) == (said, "try")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "Missing argument 'SERVICE'"),
        (["sshd", "--type", "auht"], 2, "'auht' is not one of"),
        (["many"], 1, "many: 301 auth rules are too many for a picture"),
    ],
)
def test_what_cannot_be_drawn(root: Path, arguments: list[str], code: int, said: str) -> None:
    """A question that makes no sense would get a picture, or a traceback."""
    (root / "etc/pam.d/many").write_text("auth required pam_permit.so\n" * 301)
    done = run(*arguments, "--root", root)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr


def test_this_machine() -> None:
    """It would work in images alone."""
    assert "other auth" in titles(run("other").stdout)
