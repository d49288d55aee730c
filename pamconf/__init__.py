"""Read, explain, check and change PAM's configuration, as libpam itself would run it."""

from pamconf.errors import PamconfError
from pamconf.simulate import Outcome
from pamconf.stack import Rule, Service, load, services

__all__ = ["Outcome", "PamconfError", "Rule", "Service", "load", "services"]
