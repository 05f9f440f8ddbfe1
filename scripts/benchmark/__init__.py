"""Measures what the token can do, what the daemon serves, and what lies between."""
