"""Programs and data that show signerd at work; not part of the distribution."""
