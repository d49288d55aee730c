"""The PAM services of a private host, with the module in them or without."""

from pathlib import Path

from demo.process import output_of

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


def enable(service: str, *options: str) -> str:
    """Have a service ask for a code by `doorward pam enable`; return the command."""
    demand_private_host()
    command = ("doorward", "pam", "enable", service, *options)
    output_of(*command)
    return " ".join(command)


def disable(service: str) -> None:
    """Take out what `enable` put in, if it put in anything."""
    if "# begin: doorward" in Path("/etc/pam.d", service).read_text():
        output_of("doorward", "pam", "disable", service)
