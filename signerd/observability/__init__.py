"""Structured log and request ids; every log event name stands in event.py."""
