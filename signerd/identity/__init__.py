"""Evidence of identity and its checks: state in, decision and new state out."""
