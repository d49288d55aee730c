"""Enrolment: whose secret, in which file, and how it gets into a phone."""
