"""Machines for checks of login stacks: the files of an example below a folder of their own."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from pamconf.lint.check import ExampleFile
from pamconf.signatures import SIGNATURES

MODULES = "/usr/lib/x86_64-linux-gnu/security"
_DENY = "".join(f"{type_} required pam_deny.so\n" for type_ in ("auth", "account", "session"))
_BASE = (
    ExampleFile("/etc/pam.d/other", _DENY + "password required pam_deny.so\n"),
    ExampleFile(
        "/etc/passwd",
        "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n"
        "keeper:x:900:900::/:/bin/false\n",
    ),
    ExampleFile("/etc/group", "root:x:0:\nsudo:x:27:alice\nalice:x:1000:\nkeeper:x:900:\n"),
    ExampleFile("/etc/shells", "/bin/sh\n"),
)


def machine(folder: Path, files: Iterable[ExampleFile], modules: Iterable[str] = ()) -> Path:
    """Make a machine with root, alice, and modules that look like some; return its root."""
    os.umask(0o022)  # what others can write is written down in the example
    root = folder / "machine"
    shutil.rmtree(root, ignore_errors=True)
    names = [*SIGNATURES, "pam_doorward", *modules]
    stock = [ExampleFile(f"{MODULES}/{name}.so", "\x7fELF") for name in names]
    for file in (*_BASE, *stock, *files):
        path = root / file.path[1:]
        if file.path.endswith("/"):
            path.mkdir(parents=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file.text, newline="")
        path.chmod(file.mode or (0o755 if path.is_dir() else 0o644))
    return root
