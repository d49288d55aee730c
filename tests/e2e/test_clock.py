"""How far the clock is off, as a real chronyd says it of a server that is right or wrong."""

import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from doorward.clock import clock

_1970 = 2_208_988_800  # seconds from 1900, where NTP begins
_HEAD = struct.pack("!BBbbIII", 0x24, 1, 0, -20, 0, 0, 0x4C4F434C)  # RFC 5905: a server, stratum 1
_SETTINGS = "server 127.0.0.1 iburst minpoll 0 maxpoll 1\n"


def stamp(seconds: float) -> bytes:
    """A Unix time as NTP writes it."""
    whole, part = divmod(seconds + _1970, 1)
    return struct.pack("!II", int(whole), int(part * 2**32))


@contextmanager
def time_server(ahead: float) -> Iterator[None]:
    """Serve a time that is ahead of ours by some seconds."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as served:
        served.bind(("127.0.0.1", 123))

        def answer() -> None:
            while True:
                asked, client = served.recvfrom(1024)
                if len(asked) == 1:
                    return
                now = stamp(time.time() + ahead)
                served.sendto(_HEAD + now + asked[40:48] + now + now, client)

        thread = threading.Thread(target=answer)
        thread.start()
        yield
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as end:
            end.sendto(b"!", ("127.0.0.1", 123))
        thread.join()


def wait_for_chronyd(*command: str) -> None:
    """Wait until chronyc can do that."""
    while subprocess.run(["chronyc", *command], capture_output=True, check=False).returncode:
        time.sleep(0.05)


@contextmanager
def chronyd(folder: Path, settings: str) -> Iterator[None]:
    """Run chronyd, which keeps its hands off the clock (-x)."""
    path = folder / "chrony.conf"
    path.write_text(settings + f"pidfile {folder}/pid\n")
    command = ["chronyd", "-x", "-d", "-u", "root", "-f", str(path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as daemon:
        wait_for_chronyd("tracking")
        yield
        daemon.terminate()


@pytest.mark.parametrize("ahead", [120.0, -3600.0, 0.0])
def test_chronyd_is_asked(ahead: float, tmp_path: Path) -> None:
    """A clock would be called right by which no code fits, or ahead where it is behind."""
    with time_server(ahead), chronyd(tmp_path, _SETTINGS):
        wait_for_chronyd("waitsync", "1", "0", "0", "1")
        known = clock()
    assert known.synchronized
    assert known.source == "chronyd"
    assert known.offset == pytest.approx(-ahead, abs=1)
    assert known.is_off == bool(ahead)


def test_chronyd_that_knows_nothing(tmp_path: Path) -> None:
    """A clock would be called right because a daemon runs."""
    with chronyd(tmp_path, ""):
        known = clock()
    assert (known.synchronized, known.offset, known.source) == (False, None, "chronyd")


def test_no_daemon() -> None:
    """A machine without chronyd, as most are, would end in an error."""
    assert clock().source in {"the kernel", None}
