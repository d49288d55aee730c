"""The OpenSSH server, its PAM service, and what both write to the log."""

import contextlib
import re
import secrets
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Protocol

from demo.process import output_of
from demo.service import demand_private_host, protect, unprotect

ADDRESS = "127.0.0.1"  # a client may come from any other of 127.0.0.0/8

_SSHD = "/usr/sbin/sshd"  # sshd(8) wants an absolute path, and takes its last part as PAM's service
_HOST_KEY = Path("/etc/ssh/ssh_host_ed25519_key.pub")
_DEV_LOG = "/dev/log"  # where syslog(3) sends to
_MARK = re.compile("[0-9a-f]{64}")
_SECONDS_MAX = 60  # for what takes a moment, so that a fault does not hang

_SETTINGS = """\
Port {port}
ListenAddress {address}
HostKey {host_key}
PidFile none
UsePAM yes
KbdInteractiveAuthentication yes
PasswordAuthentication no
PermitRootLogin yes
PrintMotd no
PrintLastLog no
MaxStartups 100
LoginGraceTime 60
"""


class Log:
    """Lines that another thread brings, to be read and waited for."""

    def __init__(self, lines: Iterable[str]) -> None:
        """Take lines out of `lines` as they come, until it ends."""
        self._lines: list[str] = []
        self._ended = False
        self._more = threading.Condition()
        self._thread = threading.Thread(target=self._take, args=(lines,), daemon=True)
        self._thread.start()

    def wait_for(self, *starts: str, after: int = -1) -> int:
        """Wait for a line that starts with one of these, below line number `after`.

        Return its number. Raises RuntimeError, with the lines that there are, if none comes.
        """

        def found() -> int | None:
            below = enumerate(self._lines[after + 1 :], after + 1)
            return next((number for number, line in below if line.startswith(starts)), None)

        with self._more:
            self._more.wait_for(lambda: self._ended or found() is not None, _SECONDS_MAX)
            number = found()
            if number is None:
                missing = " or ".join(map(repr, starts))
                raise RuntimeError(f"no {missing} in the log:\n" + "\n".join(self._lines))
            return number

    def lines(self) -> list[str]:
        """Return what has come so far."""
        with self._more:
            return self._lines.copy()

    def wait_for_end(self) -> None:
        """Wait until no more lines can come."""
        self._thread.join(_SECONDS_MAX)

    def _take(self, lines: Iterable[str]) -> None:
        for line in lines:
            with self._more:
                self._lines.append(line.rstrip("\n"))
                self._more.notify_all()
        with self._more:
            self._ended = True
            self._more.notify_all()


def lines_of(stream: IO[str] | None) -> Iterator[str]:
    """Read to the end and close."""
    if stream:
        with stream:
            yield from stream


def _datagrams(receiver: socket.socket) -> Iterator[str]:
    """Receive until the socket is shut down, and close it."""
    with receiver:
        while datagram := receiver.recv(65536):
            yield datagram.decode(errors="backslashreplace").rstrip("\0")


class Syslog:
    """What is sent to /dev/log until `close`. No other syslog daemon may be there."""

    def __init__(self) -> None:
        self._path = Path(_DEV_LOG).resolve()  # often a link, and in a container a dangling one
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self._path))
        self._path.chmod(0o666)
        self._log = Log(_datagrams(self._socket))

    def close(self) -> None:
        """Stop listening; the lines are still there."""
        self._path.unlink()
        self._socket.shutdown(socket.SHUT_RD)
        self._log.wait_for_end()

    def __len__(self) -> int:
        """Return how many lines there are: for `lines`'s `start`."""
        return len(self.lines())

    def lines(self, start: int = 0) -> list[str]:
        """Return all that was sent until now, from line number `start` on."""
        # A socket keeps the order: what was sent before this mark is here when the mark is.
        mark = secrets.token_hex()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(mark.encode(), _DEV_LOG)
        self._log.wait_for(mark)
        return [line for line in self._log.lines() if not _MARK.fullmatch(line)][start:]


class Listening(Protocol):
    """A server that clients find: `port` is where, `host_key` its public key."""

    @property
    def port(self) -> int:
        """Where it listens, at ADDRESS."""

    @property
    def host_key(self) -> str:
        """Such as "ssh-ed25519 AAAA…"."""


class MachineServer:
    """This host's own OpenSSH server until `close`, by its own sshd_config, but on a free port."""

    def __init__(self) -> None:
        demand_private_host()
        self.host_key = _HOST_KEY.read_text().rpartition(" ")[0]
        self.port = _free_port()
        self._process = _start("-o", f"ListenAddress={ADDRESS}:{self.port}")
        self.log = Log(lines_of(self._process.stderr))
        self.log.wait_for("Server listening ")

    def reload(self) -> None:
        """Have it read its settings anew."""
        lines = len(self.log.lines())
        self._process.send_signal(signal.SIGHUP)
        self.log.wait_for("Server listening ", after=lines - 1)

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()


class Server:
    """An OpenSSH server on loopback until `close`, with this host's /etc/pam.d/sshd.

    `port` is where it listens, `host_key` its public key ("ssh-ed25519 AAAA…"), `log` what it
    writes. At the end the service is again what it was.
    """

    def __init__(self) -> None:
        demand_private_host()
        with contextlib.ExitStack() as undo:
            undo.callback(unprotect, "sshd")
            # Each login reads the files in it anew.
            folder = Path(undo.enter_context(tempfile.TemporaryDirectory()))
            host_key = folder / "host_key"
            output_of("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(host_key))
            self.host_key = " ".join(host_key.with_suffix(".pub").read_text().split()[:2])
            self.port = _free_port()
            settings = _SETTINGS.format(address=ADDRESS, port=self.port, host_key=host_key)
            (folder / "sshd_config").write_text(settings)
            process = _start("-f", str(folder / "sshd_config"))
            undo.callback(process.wait)
            undo.callback(process.terminate)
            self.log = Log(lines_of(process.stderr))
            self.log.wait_for("Server listening ")
            self.close = undo.pop_all().close

    def protect(self, *options: str) -> str:
        """Put the module below the password in the service, with these options; return its line.

        sshd reads the service anew for each login.
        """
        return protect("sshd", *options)


def _free_port() -> int:
    with socket.create_server((ADDRESS, 0)) as free:
        port: int = free.getsockname()[1]
        return port


def _start(*options: str) -> subprocess.Popen[str]:
    Path("/run/sshd").mkdir(exist_ok=True)  # sshd's own place to be nobody in
    return subprocess.Popen([_SSHD, "-D", "-e", *options], stderr=subprocess.PIPE, text=True)
