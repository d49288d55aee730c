"""The PAM services of a private host, with the module in them or without."""

from pathlib import Path

_PRIVATE_HOST = Path("/run/doorward-private-host")
_PASSWORD = "@include common-auth\n"  # noqa: S105 - Debian's line that asks for it
_MODULE = "auth required pam_doorward.so"


def demand_private_host() -> None:
    """Raise RuntimeError on a machine that is kept."""
    if not _PRIVATE_HOST.exists():
        raise RuntimeError("this changes /etc: run it in a private host (python -m lab run …)")


def protect(service: str, *options: str) -> str:
    """Have a service ask for a code below the password; return the line that does.

    `options` are the module's; a line from before is replaced. It counts from the next login on.
    """
    unprotect(service)
    words = [f"[{option}]" if " " in option else option for option in options]
    line = " ".join([_MODULE, *words])
    path = Path("/etc/pam.d", service)
    above, password, below = path.read_text().partition(_PASSWORD)
    if not password:
        raise RuntimeError(f"{path} has no {_PASSWORD.strip()!r}")
    path.write_text(f"{above}{password}{line}\n{below}")
    return line


def unprotect(service: str) -> None:
    """Have a service ask for the password alone."""
    demand_private_host()
    path = Path("/etc/pam.d", service)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.startswith(_MODULE)))
