"""Rules every certificate keeps before its issuer's key signs it; one rule a file."""
