"""Runs inside a virtual machine: does what the test outside asks for, one command after another.

A request is a line of JSON, on the port that QEMU calls PORT: `argv`, `stdin` in base64, and
`timeout` in seconds. The answer is one, too: `status`, `stdout` and `stderr`; or `error` in words.
The first line is no answer: it says that commands can be run from now on (`ready`).

The standard library alone: the Debian's own Python runs it, as a unit of systemd's.
"""

import base64
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import IO, Any, BinaryIO

PORT = "lab"


def main() -> None:
    """Answer requests for as long as the machine runs."""
    port = os.open(_device(), os.O_RDWR | os.O_CLOEXEC)
    with os.fdopen(port, "rb") as requests, os.fdopen(os.dup(port), "wb") as answers:
        _say(answers, {"ready": True})
        for request in requests:
            _say(answers, _answer(json.loads(request)))


def _device() -> Path:
    """Return the device of the port."""
    for name in Path("/sys/class/virtio-ports").glob("*/name"):
        if name.read_text().strip() == PORT:
            return Path("/dev") / name.parent.name
    raise FileNotFoundError(PORT)


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    """Run a command to its end, whatever it leaves running; return what to say about it."""
    # Into files: a pipe would stay open for as long as a daemon that the command started.
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        try:
            done = subprocess.run(
                request["argv"],
                input=base64.b64decode(request["stdin"]),
                stdout=stdout,
                stderr=stderr,
                timeout=request["timeout"],
                check=False,
                cwd="/",
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return {"error": str(error)}
        return {"status": done.returncode, "stdout": _text(stdout), "stderr": _text(stderr)}


def _text(file: IO[bytes]) -> str:
    """Return all that is in a file, in base64."""
    file.seek(0)
    return base64.b64encode(file.read()).decode()


def _say(answers: BinaryIO, message: dict[str, Any]) -> None:
    answers.write(json.dumps(message).encode() + b"\n")
    answers.flush()


if __name__ == "__main__":
    main()
