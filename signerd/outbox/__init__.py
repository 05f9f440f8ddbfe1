"""Messages to subscribers: written from templates, sent, and tried again until they are."""
