"""What a private host or a container takes over from the machine: its way to Debian.

No mirror is named anywhere: where the machine's own apt gets its packages, through
which proxy and trusting whom, is where the others get theirs.
"""

import shlex
import shutil
from pathlib import Path

from .process import LabError, call

SUITE = "bookworm"
_CERTIFICATES = Path("etc/ssl/certs/ca-certificates.crt")
_CERTIFICATES_ADDED = Path("usr/local/share/ca-certificates/machine.crt")


def sources() -> list[tuple[str, str]]:
    """Return the (URI, release) pairs that the machine's apt has for Debian's main."""
    listed = call(
        "apt-get",
        "indextargets",
        "--format=$(REPO_URI) $(RELEASE)",
        "Created-By: Packages",
        "Component: main",
    )
    found = [(uri, release) for uri, release in map(str.split, listed.splitlines())]
    wanted = (SUITE, f"{SUITE}-updates", f"{SUITE}-security")
    return sorted({pair for pair in found if pair[1] in wanted})


def mirror() -> str:
    """Return the URI that the machine's apt has for the suite itself."""
    for uri, release in sources():
        if release == SUITE:
            return uri
    raise LabError(
        f"the machine's apt knows no source of Debian {SUITE}",
        "use a Debian 12 machine, or add that source to /etc/apt/sources.list.d",
    )


def proxies() -> dict[str, str]:
    """Return apt's proxies as the environment variables that wget and others read."""
    names = [("http_proxy", "Acquire::http::Proxy"), ("https_proxy", "Acquire::https::Proxy")]
    told = call("apt-config", "shell", *(word for pair in names for word in pair))
    return dict(word.split("=", 1) for word in shlex.split(told))


def copy_settings(root: Path) -> None:
    """Let the Debian in `root` fetch packages as the machine does.

    Writes apt's sources and settings, the keys it trusts, the certificates that the
    machine trusts (as ones to add to Debian's own) and pip's settings, if there are any.
    """
    apt = root / "etc/apt"
    (apt / "apt.conf.d").mkdir(parents=True, exist_ok=True)
    lines = [f"deb {uri} {release} main\n" for uri, release in sources()]
    (apt / "sources.list").write_text("".join(lines))
    settings = call("apt-config", "dump", "Acquire")
    if (Path("/") / _CERTIFICATES).exists():
        (root / _CERTIFICATES_ADDED).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path("/") / _CERTIFICATES, root / _CERTIFICATES_ADDED)
        settings += f'Acquire::https::CAInfo "/{_CERTIFICATES_ADDED}";\n'
    (apt / "apt.conf.d/90machine").write_text(settings)
    shutil.copytree("/etc/apt/trusted.gpg.d", apt / "trusted.gpg.d", dirs_exist_ok=True)
    if Path("/etc/pip.conf").exists():
        shutil.copyfile("/etc/pip.conf", root / "etc/pip.conf")
