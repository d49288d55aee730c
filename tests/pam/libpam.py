"""libpam itself, through ctypes: what a stack really comes to."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ESTABLISH_CRED = 0x2
"""PAM_ESTABLISH_CRED: the flag of pam_setcred."""

PAM_TTY, PAM_RHOST = 3, 4
"""Items."""

_CONVERSATION = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p
)


class _Conv(ctypes.Structure):
    _fields_ = (("conv", _CONVERSATION), ("data", ctypes.c_void_p))


_CONV_ERR = 19
_SILENT = _Conv(_CONVERSATION(lambda *_: _CONV_ERR), None)
_LIBPAM = ctypes.CDLL("libpam.so.0")


class Login:
    """A pam_handle. Every call returns libpam's number."""

    def __init__(self, service: str, confdir: Path, user: str = "root") -> None:
        self._handle = ctypes.c_void_p()
        self.started: int = _LIBPAM.pam_start_confdir(
            service.encode(),
            user.encode(),
            ctypes.byref(_SILENT),
            str(confdir).encode(),
            ctypes.byref(self._handle),
        )

    def set_item(self, item: int, value: str) -> None:
        """Set one of the PAM_* items that are text."""
        assert not _LIBPAM.pam_set_item(self._handle, item, ctypes.c_char_p(value.encode()))

    def call(self, name: str, flags: int = 0) -> int:
        """Call pam_NAME; abort is what pam_start said, too."""
        if self.started:
            return self.started
        status: int = getattr(_LIBPAM, f"pam_{name}")(self._handle, flags)
        return status

    def end(self) -> None:
        """Free everything."""
        if not self.started:
            _LIBPAM.pam_end(self._handle, 0)


@contextmanager
def login(service: str, confdir: Path, user: str = "root") -> Iterator[Login]:
    """Start a service whose file is in `confdir`."""
    handle = Login(service, confdir, user)
    try:
        yield handle
    finally:
        handle.end()
