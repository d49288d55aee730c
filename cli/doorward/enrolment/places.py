"""Where secret files are, as the module's ``secret=`` says it, and which line reads them there."""

HOME = "~/.google_authenticator"
"""In each user's home, and theirs: what the module reads where nothing else is said."""

SYSTEM = "/var/lib/doorward/secrets/${USER}"
"""Root's own, which users can neither read nor change."""


def pam_line(template: str) -> str:
    """Return the line for /etc/pam.d that asks for the codes of the secrets in HOME or SYSTEM."""
    words = ["auth required pam_doorward.so"]
    if template == SYSTEM:
        words += [f"secret={SYSTEM}", "user=root"]
    return " ".join(words)


def place_switch(template: str) -> str:
    """Return what to write behind a command for this place, with a blank before it: for hints."""
    return {HOME: "", SYSTEM: " --system"}.get(template, f" --secret-file '{template}'")
