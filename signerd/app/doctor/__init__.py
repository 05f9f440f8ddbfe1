"""`signerd doctor`: what is wrong and how to mend it, one line a check."""
