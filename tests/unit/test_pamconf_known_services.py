"""Where services ask for the password, in their own files."""

from pathlib import Path

import pytest

from pamconf import UsageError, known_services, load
from pamconf.known_services import SERVICES, Needs
from tests.conftest import CHECKOUT

STOCK = CHECKOUT / "tests/fixtures/pam/debian-12"


def place(name: str, root: Path = STOCK) -> list[str]:
    """The lines from the first to the last that asks for the password."""
    service = load(name, root)
    file = service.files[service.path or ""]
    first, last = known_services.password_part(service, file)
    return [entry.raw.decode().strip() for entry in file.entries[first : last + 1]]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_known_services(name: str) -> None:
    """One of the services that are known would have no place for a rule."""
    (line,) = place(name)
    assert line.split()[-1] == ("login" if SERVICES[name].runs_as_user else "common-auth")


def test_needs() -> None:
    """A service of which nobody knows anything would be taken for one that cannot ask."""
    assert known_services.needs("sddm") is SERVICES["sddm"]
    assert known_services.needs("doas") == Needs()
    assert known_services.needs("doas").has_prompts


def test_where_it_is_another_services_file(tmp_path: Path) -> None:
    """A login by su would have no place for a rule, nor would a service with rules of its own."""
    assert place("su-l") == ["auth\t\tinclude\t\tsu"]
    folder = tmp_path / "etc/pam.d"
    folder.mkdir(parents=True)
    (folder / "direct").write_text(
        "auth sufficient pam_rootok.so\nauth sufficient pam_unix.so\n# x\n"
        "-auth required /lib/pam_sss.so\naccount required pam_unix.so\n"
    )
    assert len(place("direct", tmp_path)) == 3
    (folder / "fedora").write_text("auth substack password-auth\nauth include postlogin\n")
    assert place("fedora", tmp_path) == ["auth substack password-auth"]
    (folder / "open").write_text("auth required pam_permit.so\nauth include nowhere\n")
    with pytest.raises(UsageError, match="no rule that asks for the password"):
        place("open", tmp_path)
