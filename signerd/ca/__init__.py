"""Use cases of the certificate life cycle."""
