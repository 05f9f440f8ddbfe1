"""Values, errors, clock: what every room may know. Standard library only."""
