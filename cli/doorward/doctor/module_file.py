"""The PAM module where libpam looks for it."""

import stat
from collections.abc import Iterator
from pathlib import Path

from doorward import module
from doorward.doctor.finding import Finding, Status
from doorward.doctor.host import Host
from doorward.errors import ModuleError
from pamconf import loading
from pamconf.lint.machine import shell_path

_BESIDE = "pam_permit.so"
"""libpam's own, whose architecture every module has."""
_HEAD = 64  # bytes of a file that say what it is for


def look(host: Host) -> Iterator[Finding]:
    """Look whether the module is there, only root can change it, and a program can load it."""
    folder = _folder(host)
    path = f"{folder}/{module.MODULE_NAME}"
    real = host.machine.files.real(path)
    if not real.is_file():
        yield _missing(host, path)
        return
    troubles = [*_writable(path, host)]
    yield from troubles or [_loaded(folder, path, host)]
    if host.is_this and _is_another(real):
        what = "is not the one that came with this doorward"
        yield Finding(Status.WARNING, path, what, _install(), topic="version")


def _folder(host: Host) -> str:
    """Return the folder of modules: libpam's own word on this machine, elsewhere a guess."""
    if host.is_this:
        return module.folder()
    if not host.machine.folders:
        raise ModuleError(f"nobody knows where modules are below {host.root}")
    return host.machine.folders[0]


def _missing(host: Host, path: str) -> Finding:
    named = ", ".join(one.name for one in host.asking)
    if named:
        what = f"is not there, and named by {named}: who logs in there is refused"
        return Finding(Status.PROBLEM, path, what, _install())
    return Finding(Status.NOTE, path, "is not there, and no service names it", _install())


def _install() -> str:
    """Return how the module gets there: a distribution's package has it apart from this one."""
    if module.packaged() is None:
        return "Install the package again that it is part of."
    return "Run: doorward pam install-module"


def _writable(path: str, host: Host) -> Iterator[Finding]:
    """Yield who can change the module beside root; of its folder lint tells."""
    facts = host.machine.files.real(path).stat()
    wrong = []
    if facts.st_uid not in host.machine.owners:
        wrong.append(f"belongs to the user of number {facts.st_uid}")
    if facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        wrong.append(f"has mode {stat.S_IMODE(facts.st_mode):04o}")
    if wrong:
        named = shell_path(path, host.machine)
        what = f"{' and '.join(wrong)}: others than root can change what logs them in"
        mend = f"Run: chown root:root {named} && chmod 0644 {named}"
        yield Finding(Status.PROBLEM, path, what, mend, topic="rights")


def _loaded(folder: str, path: str, host: Host) -> Finding:
    """Return what comes of loading it, or below another root, whether it is for that machine."""
    ours, theirs = (
        _architecture(f"{folder}/{name}", host) for name in (module.MODULE_NAME, _BESIDE)
    )
    if theirs and ours != theirs:
        what = "is for another architecture than this libpam"
        return Finding(Status.PROBLEM, path, what, "Build doorward for this one.")
    if not host.is_this:
        return Finding(Status.WELL, path, "is there")
    loaded = loading.load([path])[path]
    if loaded.error:
        return Finding(Status.PROBLEM, path, f"does not load: {loaded.error}", _install())
    if "auth" not in loaded.types:
        return Finding(Status.PROBLEM, path, "has nothing for auth rules", _install())
    return Finding(Status.WELL, path, "loads, and root alone can change it")


def _architecture(path: str, host: Host) -> bytes | None:
    """Return what a file is for; None where it is not there, or no ELF file."""
    try:
        with host.machine.files.real(path).open("rb") as file:
            return loading.architecture(file.read(_HEAD))
    except FileNotFoundError:
        return None


def _is_another(real: Path) -> bool:
    """Tell whether the module is other than the one in this package, if there is one in it."""
    ours = module.packaged()
    return ours is not None and real.read_bytes() != ours
