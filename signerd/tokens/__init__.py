"""The only room that knows PKCS#11: the token host, and the asynchronous client that fronts use."""
