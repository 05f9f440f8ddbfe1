"""Signing daemon: certificates and signatures with keys that never leave their token."""
