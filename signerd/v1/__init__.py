"""The API, generated from proto/ by scripts/genproto; never edited."""
