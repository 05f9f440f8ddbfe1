"""Pure decisions with reasons: who may call what, on which key, how often."""
