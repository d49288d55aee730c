"""Read, explain, check and change PAM's configuration, as libpam itself would run it."""

from pamconf.errors import FileError, PamconfError, UsageError
from pamconf.simulate import Outcome, Visit
from pamconf.stack import Rule, Service, load, services

__all__ = [
    "FileError",
    "Outcome",
    "PamconfError",
    "Rule",
    "Service",
    "UsageError",
    "Visit",
    "load",
    "services",
]
