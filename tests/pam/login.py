"""One login through the real libpam, step by step: the Python end of tests/c/pam_login.c.

Two variables say what logs in. DOORWARD_TEST_BUILD is a build folder whose module is then tested
instead of the installed one, and DOORWARD_TEST_UNDER a command that runs each login, such as
valgrind's. Whatever either of them has to say of a login fails the test.
"""

import contextlib
import os
import pwd
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.conftest import CHECKOUT

BUILD = os.environ.get("DOORWARD_TEST_BUILD")
BUILT = CHECKOUT / (BUILD or "build/native")
UNDER = shlex.split(os.environ.get("DOORWARD_TEST_UNDER", ""))
FEWER = 6 if UNDER else 1  # how many times less is tried what is tried over and over
PROGRAMS = Path("/usr/local/lib/doorward-tests")  # copies of them, where every user can run them
PAM_LOGIN = PROGRAMS / "pam_login"
PAM_LOGIN_SETUID = PROGRAMS / "pam_login_setuid"  # root's for whoever starts it, as su is
PAM_RECORD = PROGRAMS / "pam_record.so"
PAM_DOORWARD = PROGRAMS / "pam_doorward.so"

PAM_CODES = {0: "PAM_SUCCESS", 6: "PAM_PERM_DENIED", 7: "PAM_AUTH_ERR", 25: "PAM_IGNORE"}
PROMPTS = ("ECHO_OFF", "ECHO_ON")
# How pam_login may end: when all is said, when a test has no more use for it, or at a file's limit.
ENDINGS = {0, -signal.SIGKILL, -signal.SIGXFSZ}


def module_under_test() -> Path:
    """The module where `doorward pam install-module` put it, or that of DOORWARD_TEST_BUILD."""
    if BUILD:
        return PAM_DOORWARD
    (module,) = Path("/usr/lib").glob("*/security/pam_doorward.so")
    return module


def reference_module() -> Path:
    """The module of Debian's libpam-google-authenticator, which doorward stands in for."""
    (module,) = Path("/usr/lib").glob("*/security/pam_google_authenticator.so")
    return module


@dataclass(frozen=True)
class Setting:
    """What a login meets: the module's arguments, who comes from where, and the time.

    `time` is in Unix seconds, or None for the machine's own clock; `run_as` is the name of the
    account that the calling process belongs to, or with `setuid` who starts it; `setcred` has
    pam_setcred called with these flags afterwards, where it is not None; `switches` are pam_login's
    own, such as noflock; `under` is a command that runs pam_login, such as strace.
    """

    args: Sequence[str] = ()
    user: str = "galuser"
    time: int | None = 300_000
    rhost: str | None = None
    flags: int = 0
    setcred: int | None = None
    run_as: str | None = None
    authtok: str | None = None
    setuid: bool = False
    switches: Sequence[str] = ()
    module: Path | None = None
    under: Sequence[str] = ()
    service: str = "doorward-test"


@dataclass
class Result:
    """What came of it. `module` is the module's own return code, `libpam` pam_authenticate's.

    `allocations` is how often memory was allocated while the module ran; `setcred` is what its
    pam_sm_setcred returned, "-1" where nobody called it.
    """

    libpam: str
    module: str
    authtok: str | None
    ids_kept: bool
    allocations: int
    setcred: str
    messages: list[tuple[str, str]] = field(default_factory=list)


def write_service(folder: Path, setting: Setting) -> str:
    """Writes a service file whose auth stack is the module alone; returns the service's name."""
    module = [str(PAM_RECORD), str(setting.module or module_under_test()), *setting.args]
    words = [f"[{word.replace(']', chr(92) + ']')}]" if " " in word else word for word in module]
    (folder / "other").touch()  # libpam complains where it is missing
    new = folder / "new"
    new.write_text(f"auth required {' '.join(words)}\n")
    new.rename(folder / setting.service)  # at once: another login may be reading it
    return setting.service


def copy_programs() -> None:
    """Puts what was built to log in with outside a checkout that only root may be able to read."""
    PROGRAMS.mkdir(exist_ok=True)
    for program in (PAM_LOGIN, PAM_RECORD, PAM_DOORWARD):
        (built,) = BUILT.glob(f"*/**/{program.name}")
        shutil.copy(built, program)
    shutil.copy(PAM_LOGIN, PAM_LOGIN_SETUID)
    PAM_LOGIN_SETUID.chmod(0o4755)


def command(setting: Setting) -> list[str | Path]:
    """What logs in."""
    if setting.setuid:
        return [PAM_LOGIN_SETUID]  # which valgrind cannot give root's rights
    if setting.under:
        return [*setting.under, PAM_LOGIN]
    limited = any(switch.startswith("fsize=") for switch in setting.switches)
    if limited or setting.module:
        return [PAM_LOGIN]  # killed, it frees nothing; and another's module is not our business
    return [*UNDER, PAM_LOGIN]


def environment(setting: Setting) -> dict[str, str]:
    """What it finds beside this process's own variables."""
    # To bind a function at its first call puts registers, whatever they hold, on the stack.
    found = {"LD_BIND_NOW": "1"}
    if setting.under:
        found["ASAN_OPTIONS"] = "detect_leaks=0"  # which cannot be done while strace watches
    return found


class Login:
    """A login that is under way. Read `next_message`, `reply`, and at the end `result`."""

    def __init__(self, folder: Path, setting: Setting) -> None:
        options = {"time": setting.time, "rhost": setting.rhost, "flags": setting.flags or None}
        options |= {"setcred": setting.setcred}
        account = pwd.getpwnam(setting.run_as) if setting.run_as else None
        if account and not setting.setuid:
            options |= {"uid": account.pw_uid, "gid": account.pw_gid}
        if setting.authtok is not None:
            options["authtok"] = setting.authtok.encode().hex()
        words = [f"{name}={value}" for name, value in options.items() if value is not None]
        words += setting.switches
        service = write_service(folder, setting)
        self._messages: list[tuple[str, str]] = []
        self._result: Result | None = None
        self._said = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115  until __exit__
        self._process = subprocess.Popen(
            [*command(setting), folder, service, setting.user, *words],
            user=account.pw_uid if account and setting.setuid else None,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env=os.environ | environment(setting),
            umask=0 if "LLVM_PROFILE_FILE" in os.environ else -1,  # all users count into one file
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._said:
            with self._process:
                if self._result is None:
                    self._process.kill()
            self._said.seek(0)
            said = self._said.read()
        if error and said:
            error.add_note(said)
        ended = self._process.returncode
        assert error or (not said and ended in ENDINGS), f"pam_login ended with {ended}: {said}"

    def next_prompt(self) -> str | None:
        """The next prompt's text, or None when the login is over."""
        assert self._process.stdout
        for line in self._process.stdout:
            kind, *rest = line.split(" ")
            if kind == "result":
                libpam, module, authtok, ids, allocations, setcred = line.split()[1:]
                self._result = Result(
                    PAM_CODES.get(int(libpam), libpam),
                    PAM_CODES.get(int(module), module),
                    None if authtok == "-" else bytes.fromhex(authtok[1:]).decode(),
                    ids == "kept",
                    int(allocations),
                    PAM_CODES.get(int(setcred), setcred),
                    self._messages,
                )
                return None
            self._messages.append((kind, bytes.fromhex(rest[0].strip()).decode()))
            if kind in PROMPTS:
                return self._messages[-1][1]
        return None

    def reply(self, text: str | None) -> None:
        """Answers a prompt: with text, or with a NULL string where it is None."""
        self._answer(
            "NULL" if text is None else "=" + text.encode("utf-8", "surrogateescape").hex()
        )

    def fail(self, text: str | None = None) -> None:
        """Makes the conversation fail, with an answer all the same where there is a text."""
        self._answer("ERR" if text is None else "ERR=" + text.encode().hex())

    @property
    def pid(self) -> int:
        """The process that logs in."""
        return self._process.pid

    @property
    def died(self) -> bool:
        """Whether it ended without a result, once `next_prompt` has returned None."""
        return self._result is None

    def result(self) -> Result:
        """What came of the login, which must be over."""
        assert self._result is not None, f"pam_login ended with {self._process.wait()}"
        return self._result

    def _answer(self, line: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()


def log_in(
    folder: Path,
    setting: Setting,
    script: Iterable[str | None] = (),
    run: Callable[[str], None] | None = None,
) -> Result:
    """A whole login by a script: `=text` and `@NULL` answer a prompt, `@ERR` makes it fail.

    `@ERR=text` answers and fails; `!command` is handed to `run` just before the next answer.
    Prompts beyond the script fail.
    """
    answers = iter(script)
    with Login(folder, setting) as login:
        while login.next_prompt() is not None:
            answer = next(answers, "@ERR")
            while answer is not None and answer.startswith("!"):
                assert run
                run(answer[1:])
                answer = next(answers, "@ERR")
            if answer == "@ERR":
                login.fail()
            elif answer is not None and answer.startswith("@ERR="):
                login.fail(answer.removeprefix("@ERR="))
            else:
                login.reply(None if answer in (None, "@NULL") else answer[1:])
        return login.result()


def all_at_once(folder: Path, setting: Setting, code: str, count: int) -> list[Result]:
    """So many logins, each with this reply, and all stopped until the last one has it."""
    with contextlib.ExitStack() as stack:
        logins = [stack.enter_context(Login(folder, setting)) for _ in range(count)]
        for login in logins:
            assert login.next_prompt() == "Verification code: "
            os.kill(login.pid, signal.SIGSTOP)
        for login in logins:
            login.reply(code)
        for login in logins:
            os.kill(login.pid, signal.SIGCONT)
        for login in logins:
            assert login.next_prompt() is None
        return [login.result() for login in logins]


def shell(command: str) -> None:
    """Runs a command of a case as root."""
    subprocess.run(["/bin/sh", "-c", command], check=True)
