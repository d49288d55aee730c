"""doorward asks for one-time codes at the logins of a Linux machine."""
