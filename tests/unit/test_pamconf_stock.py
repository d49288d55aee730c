"""The login stacks that systems come with: nothing in them is out of order."""

from pathlib import Path

import pytest

import pamconf
from pamconf import lines
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
