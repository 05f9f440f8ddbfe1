"""Use cases of who subscribers are: registered, changed, found, reached, erased."""
