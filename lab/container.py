"""`make test` in a container: Dockerfile.test, built by whichever engine works here."""

import fcntl
import subprocess

from . import machine, root
from .host import CHECKOUT
from .process import CONTAINED, call, isolate

_IMAGE = "localhost/doorward-test"
_SETTINGS = CHECKOUT / "build/machine"  # Dockerfile.test looks for it here
# For a private network and /dev, file systems that tests mount, device files, strace.
_RIGHTS = "CAP_NET_ADMIN,CAP_SYS_ADMIN,CAP_MKNOD,CAP_SYS_PTRACE"


def build() -> int:
    """Build Dockerfile.test, which runs the tests; return the exit status.

    Nothing stays behind but the base image, if an engine had to fetch it.
    """
    root.remove(_SETTINGS)  # a killed run's
    machine.copy_settings(_SETTINGS)
    try:
        for engine in ("docker", "podman"):
            if _answers(engine):
                return _build_with(engine)
        return _build_with_buildah()
    finally:
        root.remove(_SETTINGS)


def _answers(engine: str) -> bool:
    """Tell whether an engine works: its client alone does not build anything."""
    try:
        asked = subprocess.run([engine, "info"], capture_output=True, check=False)
    except FileNotFoundError:
        return False
    return asked.returncode == 0


def _build_with(engine: str) -> int:
    """Build all but the tests with docker or podman, run them, and remove the image.

    They do not run while it is built, since docker has no way to let them mount then.
    """
    stage = ("--target", "ready", "--file", "Dockerfile.test", ".")
    call(engine, "build", "--force-rm", "--tag", _IMAGE, *stage, cwd=CHECKOUT, show=True)
    try:
        call(engine, "run", "--rm", "--privileged", _IMAGE, "make", "test", show=True)
    finally:
        call(engine, "image", "rm", "--force", _IMAGE)
    return 0


def _build_with_buildah() -> int:
    """Build without an engine, on a base that debootstrap made.

    Images and containers lie in a store of their own, which is removed afterwards;
    what is mounted and started is gone with the namespaces that it is done in.
    """
    base = root.base()
    store = root.cache() / "containers"

    def main() -> int:
        buildah = ("buildah", "--root", store / "root", "--runroot", store / "run")
        scratch = call(*buildah, "from", "scratch").strip()
        mounted = call(*buildah, "mount", scratch).strip()
        call("cp", "--archive", f"{base}/.", mounted)
        call(*buildah, "commit", "--quiet", "--rm", scratch, f"{_IMAGE}-base")
        how = ("--isolation", "chroot", "--cap-add", _RIGHTS, "--no-cache", "--tag", _IMAGE)
        what = ("--build-arg", f"BASE={_IMAGE}-base", "--file", "Dockerfile.test", ".")
        call(*buildah, "bud", *how, *what, cwd=CHECKOUT, show=True)
        return 0

    with (root.cache() / "containers.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        root.remove(store)  # a killed run's
        try:
            return isolate(CONTAINED, main)
        finally:
            root.remove(store)
