"""TOML to frozen, validated settings; an unknown key is an error that names it."""
