"""Each check's page: what it calls bad is found, what it calls good is not."""

from pathlib import Path

import pytest
from doorward import pam_checks

import pamconf
from pamconf.lint import Finding, lint
from pamconf.problem import Severity
from tests import examples, lint_pages

CHECKS = pam_checks.ALL.values()


def findings(folder: Path, code: str, kind: str) -> list[Finding]:
    """What is found in a check's example."""
    root = examples.machine(folder, pam_checks.ALL[code].example(kind))
    services = [name for name in pamconf.services(root) if not name.startswith("common-")]
    loaded = [pamconf.load(name, root) for name in services]
    return lint(loaded, pam_checks.machine(str(root)), CHECKS)


@pytest.mark.parametrize("code", pam_checks.ALL)
def test_the_bad_example(tmp_path: Path, code: str) -> None:
    """A door would stand otherwise than meant, and nobody be told."""
    found = [one for one in findings(tmp_path, code, "Bad") if one.code == code]
    assert found
    for one in found:
        assert one.message
        assert not one.message.endswith(".")
        assert one.hint
        if one.place.line:
            assert one.text
            assert one.place.column + one.place.width - 1 <= len(one.text)
    worst = {one.severity for one in found}
    assert pam_checks.ALL[code].severity in worst


@pytest.mark.parametrize("code", pam_checks.ALL)
def test_the_good_example(tmp_path: Path, code: str) -> None:
    """Whoever mends it as the page says would be told of it still, or of something else."""
    found = findings(tmp_path, code, "Good")
    assert code not in {one.code for one in found}
    assert not [one for one in found if one.severity is Severity.ERROR]


def test_pages() -> None:
    """Docs would say otherwise than the checks do: 'make pages' writes them anew."""
    there = {file.name: file.read_text() for file in lint_pages.FOLDER.iterdir()}
    assert there == lint_pages.pages(CHECKS)


def test_codes_and_names() -> None:
    """A comment that silences one check would silence another, or a page replace another's."""
    assert [one.code for one in CHECKS] == sorted({one.code for one in CHECKS})
    assert len({one.name for one in CHECKS}) == len(CHECKS)
