"""A bank's day in a minute: issue, sign, verify, reissue, with processes killed in between."""
