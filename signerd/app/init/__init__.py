"""`signerd init`: everything a daemon needs before its first start, each step idempotent."""
