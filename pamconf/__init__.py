"""Read, explain, check and change PAM's configuration, as libpam itself would run it."""
