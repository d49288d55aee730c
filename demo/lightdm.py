"""A display manager, lightdm, with the login box that Debian gives it, and logins there.

Its X server has no monitor: its screen is in memory.
"""

import contextlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from demo.process import output_of
from demo.screen import Screen
from demo.server import Log, lines_of
from demo.service import demand_private_host

SERVICE = "lightdm"

_PROGRAMS = (
    "dbus-daemon",
    "lightdm",
    "lightdm-gtk-greeter",
    "openbox",
    "xdotool",
    "xterm",
    "Xvfb",
)
_SYSTEM_BUS = Path("/run/dbus/system_bus_socket")
_SECONDS_TO_END = 60
_STAMP = re.compile(r"\[\+[0-9.]+s\] [A-Z]+: ")  # before what lightdm has to say

# What it says, in this order.
_DISPLAY = "XServer 0: Connecting to XServer "
_ASKED_FOR = "Greeter start authentication for "
_PROMPT = "Prompt greeter with "
_VERDICT = "Authenticate result for user "
_SUCCESS, _FAILURE = "Success", "Authentication failure"  # libpam's words, after the user
_RUNNING = "Seat seat0: Greeter stopped, running session"
_SESSION = "Session pid="

_FILES = {
    "lightdm.conf": """\
[LightDM]
log-directory={folder}/log

[Seat:*]
xserver-command={folder}/xserver
greeter-session=lightdm-gtk-greeter
greeter-wrapper={folder}/greeter
greeter-hide-users=true
user-session=openbox
session-wrapper={folder}/session
""",
    # lightdm adds arguments for a real screen: the seat, the virtual terminal. A key that a busy
    # machine lets go of late does not repeat (-r), and a server that had a single client, such as
    # one that takes a picture, does not begin anew, for another may just be coming (-noreset).
    "xserver": """\
#!/bin/sh
exec Xvfb "$1" -ac -noreset -r -nolisten tcp -screen 0 1024x640x24
""",
    "greeter": """\
#!/bin/sh
exec env XDG_CONFIG_DIRS={folder}/xdg "$@"
""",
    "xdg/lightdm/lightdm-gtk-greeter.conf.d/demo.conf": """\
[greeter]
background=#2e4057
indicators=~host;~spacer;~power
at-spi-enabled=false
""",
    # Nothing moves by itself, so that a picture stays what it is.
    "xdg/gtk-3.0/settings.ini": """\
[Settings]
gtk-cursor-blink=0
gtk-enable-animations=0
""",
    # Openbox starts the terminal, once it is ready itself.
    "session": """\
#!/bin/sh
exec openbox --startup {folder}/terminal
""",
    "terminal": """\
#!/bin/sh
exec xterm -fa Monospace -fs 12 -geometry 64x12 -e \\
    sh -c 'echo "$(id -un) is in, at $DISPLAY"; exec bash'
""",
}


def missing_programs() -> list[str]:
    """Return which programs are not on this machine, out of those that are needed here."""
    return [program for program in _PROGRAMS if not shutil.which(program)]


@dataclass(frozen=True)
class Login:
    """How a login went: pictures of each prompt, what lightdm says of it, whose session runs.

    `verdict` is empty if lightdm waits for an answer that nobody has; `session_user` if there is
    no session. `screen` is what was to be seen in the end.
    """

    user: str
    prompts: tuple[Image.Image, ...]
    verdict: str
    session_user: str
    screen: Image.Image

    @property
    def let_in(self) -> bool:
        """Whether a session runs, and is the user's."""
        return self.verdict == _SUCCESS and self.session_user == self.user

    @property
    def refused(self) -> bool:
        """Whether lightdm said no, and asks anew."""
        return self.verdict == _FAILURE and not self.session_user


class Lightdm:
    """A lightdm until `close`, for one login, with this host's /etc/pam.d/lightdm.

    `screen` is its screen.
    """

    def __init__(self) -> None:
        demand_private_host()
        with contextlib.ExitStack() as undo:
            folder = Path(undo.enter_context(tempfile.TemporaryDirectory()))
            _write_files(folder)
            undo.enter_context(_system_bus())
            argv = ["lightdm", "--debug", "--config", str(folder / "lightdm.conf")]
            process = subprocess.Popen(argv, stderr=subprocess.PIPE, text=True)
            undo.callback(_end, process)
            self._log = Log(_STAMP.sub("", line) for line in lines_of(process.stderr))
            self.screen = Screen(self._line(self._log.wait_for(_DISPLAY)).removeprefix(_DISPLAY))
            self.close = undo.pop_all().close

    def log_in(self, user: str, answers: Sequence[str]) -> Login:
        """Log in at the login box, answering one prompt after another.

        Where there are more prompts than answers, the first that has none is left alone.
        """
        at = self.name(user)
        verdict = f"{_VERDICT}{user}: "
        prompts: list[Image.Image] = []
        while self._line(at := self._log.wait_for(_PROMPT, verdict, after=at)).startswith(_PROMPT):
            prompts.append(self.screen.wait_for_field())
            if len(prompts) > len(answers):
                return Login(user, tuple(prompts), "", "", prompts[-1])
            self.screen.fill_in(answers[len(prompts) - 1])
        said = self._line(at).removeprefix(verdict)
        screen = self._desk(user) if said == _SUCCESS else self._next_box(at)
        session_user = self._session_user(at) if said == _SUCCESS else ""
        return Login(user, tuple(prompts), said, session_user, screen)

    def name(self, user: str) -> int:
        """Say at the login box who is there; return which line of the log says so.

        Raises RuntimeError if lightdm has understood another name.
        """
        asked = self._log.wait_for(_PROMPT)
        before = self.screen.wait_for_field()
        self.screen.type(user)
        self.screen.press("Return")
        at = self._log.wait_for(_ASKED_FOR, after=asked)
        if self._line(at) != _ASKED_FOR + user:
            raise RuntimeError(f"lightdm was to ask for {user}: {self._line(at)}")
        self.screen.wait_for("another field", lambda seen: seen != before)
        return at

    def _session_user(self, at: int) -> str:
        """Return whose the first process of the session is that runs."""
        running = self._log.wait_for(_RUNNING, after=at)
        session = self._line(self._log.wait_for(_SESSION, after=running))
        pid = session.removeprefix(_SESSION).partition(":")[0]
        return output_of("ps", "--ppid", pid, "-o", "user:32=").strip()

    def _desk(self, user: str) -> Image.Image:
        """Wait for the shell in the session's terminal; return the picture.

        Debian's ~/.bashrc gives the window its title when the shell is ready.
        """
        return self.screen.wait_for_window(f"{user}@")

    def _next_box(self, at: int) -> Image.Image:
        """Wait until the login box asks anew; return the picture."""
        self._log.wait_for(_PROMPT, after=at)
        return self.screen.wait_for_field()

    def _line(self, number: int) -> str:
        return self._log.lines()[number]


def _write_files(folder: Path) -> None:
    """Write what lightdm, the login box and the session read, for all to read."""
    folder.chmod(0o755)
    for name, text in _FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("{folder}", str(folder)))
        path.chmod(0o755)


@contextlib.contextmanager
def _system_bus() -> Iterator[None]:
    """Have a D-Bus system bus, without which lightdm does not start."""
    if _SYSTEM_BUS.exists():
        yield
        return
    _SYSTEM_BUS.parent.mkdir(exist_ok=True)
    argv = ["dbus-daemon", "--system", "--nofork", "--nopidfile", "--print-address"]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        Log(lines_of(process.stdout)).wait_for("unix:")
        yield
    finally:
        _end(process)
        _SYSTEM_BUS.unlink()


def _end(process: subprocess.Popen[str]) -> None:
    """End a program, with all that it started, by its leave; at last without."""
    process.terminate()
    try:
        process.wait(_SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
