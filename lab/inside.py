"""What happens inside: doorward is installed as a user would, and the command run.

`python3 -m lab.inside COMMAND...` is process 1 of a private host. In a throwaway
container, where the container is the private host, `run()` does it all.
"""

import os
import signal
import sys
from pathlib import Path

from . import root
from .host import CHECKOUT, INSTALLED, environment, mount_devices
from .process import PRIVATE, LabError, call, hold_signals, isolate, wait

_CONTAINER_MARKER = Path("/etc/doorward-throwaway-container")
_CONTAINER_VARIABLE = "DOORWARD_THROWAWAY_CONTAINER"


def is_throwaway_container() -> bool:
    """Tell whether this is a container that Dockerfile.test made; it is never guessed."""
    return _CONTAINER_MARKER.exists() and os.environ.get(_CONTAINER_VARIABLE) == "1"


def run(command: list[str]) -> int:
    """Run a command in this throwaway container and return its exit status."""
    root.start_no_daemon(Path("/"))
    root.install(root.PACKAGES)
    if os.access("/dev", os.W_OK):
        return _main(command)

    def main() -> int:
        os.chdir("/")
        mount_devices()
        os.chdir(CHECKOUT)
        call("ip", "link", "set", "lo", "up")
        return _main(command)

    # buildah's chroot isolation: /dev and the network are the machine's own.
    return isolate(PRIVATE, main)


def _main(command: list[str]) -> int:
    """Install doorward, run the command and return its exit status."""
    hold_signals()
    Path("/run/doorward-private-host").touch()
    install_doorward()
    try:
        # Python ignores SIGPIPE; the command shall not.
        pid = os.posix_spawnp(
            command[0], command, environment(), setsigmask=[], setsigdef=[signal.SIGPIPE]
        )
    except OSError as error:
        raise LabError(f"{command[0]}: {error.strerror}", status=127) from error
    return wait(pid)


def install_doorward() -> None:
    """Install the wheels that `make setup` built, as a user would, and the PAM module."""
    wheels = CHECKOUT / "build/wheels"
    if not wheels.exists():
        raise LabError(f"{wheels}: not found", "run `make setup`")
    python = INSTALLED / "bin/python"
    call("/usr/bin/python3", "-m", "venv", "--clear", "--without-pip", INSTALLED)
    pip = (CHECKOUT / ".venv/bin/python", "-m", "pip", "--disable-pip-version-check")
    offline = ("--quiet", "--no-index", "--find-links", wheels)
    call(*pip, "--python", python, "install", *offline, "doorward", env=environment())
    Path("/usr/local/bin/doorward").unlink(missing_ok=True)
    Path("/usr/local/bin/doorward").symlink_to(INSTALLED / "bin/doorward")
    call("doorward", "pam", "install-module", env=environment())


if __name__ == "__main__":
    try:
        call("ip", "link", "set", "lo", "up")
        sys.exit(_main(sys.argv[1:]))
    except LabError as failure:
        sys.exit(failure.tell())
