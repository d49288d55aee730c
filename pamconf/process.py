"""Programs that take part in a change of files: an argument list in, what is printed out."""

import subprocess
from collections.abc import Sequence

from pamconf.errors import ToolError

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
"""Where programs are looked for: the machine's own, whatever the caller's PATH says."""

ENVIRONMENT = {"PATH": PATH, "LC_ALL": "C"}

_SECONDS = 60.0


def run(argv: Sequence[str], *, seconds: float = _SECONDS) -> str:
    """Return what a program prints.

    It gets no input, none of this process's descriptors and environment, and a session of its own,
    so that neither Ctrl-C nor a lost connection ends it. Raises ToolError where there is no such
    program, it fails, or it takes longer than `seconds`.
    """
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            cwd="/",
            env=ENVIRONMENT,
            start_new_session=True,
            timeout=seconds,
        )
    except OSError as error:
        raise ToolError(f"{argv[0]} cannot be run: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"{argv[0]} took longer than {seconds:g} seconds") from error
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().split("\n")[-1]
        raise ToolError(f"{argv[0]} failed: {said or f'it ended with {done.returncode}'}")
    return done.stdout.decode("utf-8", "replace").strip()
