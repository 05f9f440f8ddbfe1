"""Audit records, canonical bytes, hash chain and verifier. Pure: the store appends."""
