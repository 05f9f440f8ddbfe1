"""That the audit is what it was: checkpoints, proofs of single records, verification of it all."""
