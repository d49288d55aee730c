"""The module side by side with what users have today: the same logins, clock, disk and secret."""
