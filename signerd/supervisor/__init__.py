"""Starts, watches and stops the daemon's processes; imports no grpc, pkcs11 or database."""
