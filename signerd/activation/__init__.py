"""Use cases of activation: the subscriber agrees to the use of a key."""
