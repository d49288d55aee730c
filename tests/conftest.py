"""For every test: nothing is skipped, and what touches a system runs in a private host only."""

from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
PRIVATE_HOST = Path("/run/doorward-private-host")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Stops before the first test of tests/pam or tests/e2e on a machine that is kept."""
    risky = [item for item in items if item.path.parent.name in {"pam", "e2e"}]
    if risky and not PRIVATE_HOST.exists():
        pytest.exit(
            f"{risky[0].nodeid} changes accounts and /etc: run it in a private host "
            "(python -m lab run .venv/bin/python -m pytest …)",
            returncode=2,
        )


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A test that was skipped has shown nothing, so it counts as failed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = [
        report
        for outcome in ("skipped", "xfailed", "xpassed", "deselected")
        for report in (reporter.stats.get(outcome, []) if reporter else [])
    ]
    if skipped and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
