"""What debian/ repeats of other files, held against them."""

import re

from tests.conftest import CHECKOUT


def read(name: str) -> str:
    """A file of the checkout."""
    return (CHECKOUT / name).read_text()


def test_the_version_is_the_projects() -> None:
    """A package would be of another version than the doorward in it says."""
    (project,) = re.findall(r"^  version: '(.+)',$", read("meson.build"), re.MULTILINE)
    package = re.match(r"doorward \((.+)-\d+\) ", read("debian/changelog"))
    assert package
    assert package[1] == project


def test_make_deb_installs_what_the_build_needs() -> None:
    """`make deb` would end with a list of missing packages on a new machine."""
    wanted = re.search(r"^Build-Depends:\n((?: .+\n)+)", read("debian/control"), re.MULTILINE)
    listed = re.search(r"^DEB_PACKAGES := ((?:.*\\\n)*.*)$", read("Makefile"), re.MULTILINE)
    assert wanted
    assert listed
    others = {"debhelper-compat": "debhelper", "dh-sequence-python3": "dh-python"}
    names = {re.split("[ ,]", line.strip())[0] for line in wanted[1].splitlines()}
    assert {others.get(name, name) for name in names} <= {*listed[1].split()}
