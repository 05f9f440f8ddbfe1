"""Pure encoding: names, profiles, certificates, requests, lint. Knows no token and no database."""
