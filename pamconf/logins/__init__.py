"""What else decides about a login on a machine."""
