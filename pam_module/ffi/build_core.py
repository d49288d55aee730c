"""Writes the C source of the extension doorward._core: build_core.py CDEF OUTPUT."""

import sys
from pathlib import Path

from cffi import FFI

HEADERS = (
    "access.h",
    "base32.h",
    "credential.h",
    "device.h",
    "options.h",
    "otp.h",
    "rate_limit.h",
    "recovery.h",
    "verify.h",
)


def main(cdef: str, output: str) -> None:
    """Generates from the declarations in the file cdef."""
    ffi = FFI()
    ffi.cdef(Path(cdef).read_text(encoding="utf-8"))
    ffi.set_source("doorward._core", "".join(f'#include "{header}"\n' for header in HEADERS))
    ffi.emit_c_code(output)


if __name__ == "__main__":
    main(*sys.argv[1:])
