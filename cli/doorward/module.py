"""The PAM module that came with this package, and where this system's libpam wants it."""

import ctypes
import importlib.resources
import os
import re
import stat
import tempfile
from pathlib import Path

from doorward import files, process
from doorward.errors import ModuleError, NotPermittedError
from pamconf import loading
from pamconf.tree import Tree

MODULE_NAME = "pam_doorward.so"

_MODE = 0o644
_SYMBOLS = ("pam_sm_authenticate", "pam_sm_setcred")

_GLIBC = re.compile(rb"GLIBC_[0-9.]+")

_LIBPAM = "libpam.so.0"
_PROBE_SERVICE = "doorward-probe"
_PROBE_MODULE = "pam_permit.so"  # libpam's own, next to which others are looked for


class _Conversation(ctypes.Structure):
    """``struct pam_conv`` of security/_pam_types.h, with nobody to talk to."""

    _fields_ = (("conv", ctypes.c_void_p), ("appdata_ptr", ctypes.c_void_p))


def module_install(root: str = "/") -> tuple[str, bool]:
    """Put the module, owned by root and 0644, where libpam looks, or would below another root.

    Returns its path, and whether there was anything to do. Raises NotPermittedError for who is not
    root, and ModuleError where the module is not there, does not load, has no place to go, or is
    for another machine than that root.
    """
    if os.geteuid() != 0:
        raise NotPermittedError(
            "only root can install the PAM module", hint="Run this as root, or with sudo."
        )
    content = process.in_child(_module_content)
    path = f"{_folder_below(root, content)}/{MODULE_NAME}"
    with files.place_of_root(path) as at:
        if _is_there(at, content):
            return path, False
        files.replace(at, content, mode=_MODE, owner=(0, 0))
    return path, True


def folder() -> str:
    """Return the folder that this machine's libpam takes modules from. Raises ModuleError."""
    return process.in_child(_module_folder).decode()


def packaged() -> bytes | None:
    """Return the bytes of the module in this package; None where it came without one."""
    try:
        return (importlib.resources.files("doorward") / MODULE_NAME).read_bytes()
    except FileNotFoundError:
        return None


def _module_content() -> bytes:
    """Return the bytes of the module in this package, which loads and has what libpam calls."""
    with importlib.resources.as_file(importlib.resources.files("doorward") / MODULE_NAME) as path:
        try:
            content = path.read_bytes()
            loaded = ctypes.CDLL(str(path), mode=os.RTLD_NOW)
        except FileNotFoundError as error:
            raise ModuleError(
                f"this doorward came without {MODULE_NAME}",
                hint="Where doorward is a Debian package, its module is another, libpam-doorward; "
                "else install it again from its source.",
            ) from error
        except OSError as error:
            raise ModuleError(f"the module does not load here: {error}") from error
    for symbol in _SYMBOLS:
        if not hasattr(loaded, symbol):
            raise ModuleError(f"the module lacks {symbol}: this is no build of doorward's")
    return content


def _module_folder() -> bytes:
    """Return the folder that libpam takes a module from which a service names without a path.

    Loads libpam into this process, so it is for a child.
    """
    libpam = ctypes.CDLL(_LIBPAM)
    if not hasattr(libpam, "pam_start_confdir"):
        raise ModuleError(
            f"this system's {_LIBPAM} cannot be asked where its modules are",
            hint="It has to be Linux-PAM 1.4 or newer.",
        )
    with tempfile.TemporaryDirectory() as services:
        for name in (_PROBE_SERVICE, "other"):  # libpam says in the log where there is no other
            Path(services, name).write_text(f"auth required {_PROBE_MODULE}\n")
        handle = ctypes.c_void_p()
        libpam.pam_start_confdir(
            _PROBE_SERVICE.encode(),
            b"root",
            ctypes.byref(_Conversation()),
            services.encode(),
            ctypes.byref(handle),
        )
        libpam.pam_authenticate(handle, 0)
        mapped = Path("/proc/self/maps").read_text()
        libpam.pam_end(handle, 0)
    for line in mapped.splitlines():
        path = line.split(maxsplit=5)[-1]
        if path.endswith(f"/{_PROBE_MODULE}"):
            return path.removesuffix(f"/{_PROBE_MODULE}").encode()
    raise ModuleError(
        f"{_LIBPAM} did not load its own {_PROBE_MODULE}", hint="Is Linux-PAM installed completely?"
    )


def _folder_below(root: str, content: bytes) -> str:
    """Return the folder for the module, on this machine or below another root."""
    tree = Tree(root)
    if tree.root == Path("/"):
        return folder()
    beside = loading.find(_PROBE_MODULE, loading.folders(tree), tree)
    if beside is None:
        raise ModuleError(
            f"there is no {_PROBE_MODULE} below {root}, next to which the module would go",
            hint="Install Linux-PAM there first.",
        )
    real = tree.real(beside)
    if loading.architecture(real.read_bytes()) != loading.architecture(content):
        raise ModuleError(
            f"{beside} below {root} is for another architecture than this doorward",
            hint="Build doorward for that one.",
        )
    lacking = _lacking(content, real.parent, tree)
    if lacking:
        raise ModuleError(
            f"the C library below {root} has no {lacking}, which this module needs",
            hint="Build doorward on a system as old as that one.",
        )
    return str(real.parent)


def _lacking(content: bytes, folder: Path, tree: Tree) -> str | None:
    """Return a version of the C library that the module needs and that is not there, if one is."""
    for place in (folder.parent, *map(tree.real, ("/lib64", "/lib", "/usr/lib"))):
        try:
            library = (place / "libc.so.6").read_bytes()
        except OSError:
            continue
        needed = sorted({*_GLIBC.findall(content)})
        return next((one.decode() for one in needed if one + b"\0" not in library), None)
    return "libc.so.6"


def _is_there(at: files.Place, content: bytes) -> bool:
    try:
        with files.opened(at) as file:
            facts = os.fstat(file)
            there = files.read(at, file, size_max=facts.st_size)
    except files.MissingError:
        return False
    rights = (facts.st_uid, facts.st_gid, stat.S_IMODE(facts.st_mode))
    return there == content and rights == (0, 0, _MODE)
