"""The login stacks that systems come with: nothing in them is out of order."""

import shutil
from pathlib import Path

import pytest

import pamconf
from pamconf import lines
from pamconf.lint import Machine, lint
from tests import examples
from tests.conftest import CHECKOUT

FIXTURES = CHECKOUT / "tests/fixtures/pam"
SYSTEMS = sorted(path for path in FIXTURES.iterdir() if (path / "etc/pam.d").is_dir())
SERVICES = [(system, name) for system in SYSTEMS for name in pamconf.services(system)]

# What these packages themselves ship out of order: files that only other systems have, and a
# sample that was never finished.
BROKEN = {
    "xpra": {"/etc/pam.d/system-auth: no such file", "/etc/pam.d/postlogin: no such file"},
    "gridengine-exec": {"no type of rules: 'usr/lib/*/pam_sge_authorize.so'"},
}


@pytest.mark.parametrize(
    ("system", "name"), SERVICES, ids=[f"{system.name}-{name}" for system, name in SERVICES]
)
def test_a_stock_service(system: Path, name: str) -> None:
    """A false alarm would be raised on a machine that nobody has touched."""
    service = pamconf.load(name, system)
    assert service.path in service.files
    for path, file in service.files.items():
        assert file.content == (system / path[1:]).read_bytes()
    assert service.abort is None
    rules = [rule for type_ in lines.TYPES for rule in service.rules(type_)]
    assert {rule.fault for rule in rules if rule.fault} <= BROKEN.get(name, set())
    assert not any(rule.control.flaw for rule in rules if not rule.fault)


# What is found in them: xpra's and gridengine-exec's as above, so that nobody gets in by xpra; and
# modules where Debian has had none since it put libraries into folders of architectures.
FOUND = {
    ("gridengine-exec", "PAM004"),
    ("perdition", "PAM101"),
    ("xpra", "PAM005"),
    ("xpra", "PAM207"),
}


@pytest.mark.parametrize("system", SYSTEMS, ids=[system.name for system in SYSTEMS])
def test_no_check_objects_to_a_stock_system(system: Path, tmp_path: Path) -> None:
    """An admin would look for a mistake on a machine that nobody has touched, or stop looking."""
    root = examples.machine(tmp_path, ())
    shutil.copytree(system, root, dirs_exist_ok=True)
    for row in (system / "modules.txt").read_text().splitlines():
        (root / examples.MODULES[1:] / row.split("\t")[0]).write_text("\x7fELF")
    services = [pamconf.load(name, root) for name in pamconf.services(root)]
    found = lint(services, Machine(root))
    assert {(name, one.code) for one in found for name in one.services} <= FOUND
