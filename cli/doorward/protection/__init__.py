"""Changing which logins ask for a code: what is written, and what comes of it for whom."""
