"""A bank with real certificates for tests: the pytest plugin of signerd.

    def test_a_transfer_needs_a_valid_certificate(bank, revoked_certificate):
        with pytest.raises(FailedPrecondition):
            revoked_certificate.sign(b"transfer")

pytest finds the plugin by itself once `signerd[testing]` is installed. A daemon of its own, with
tokens of its own, is started when the first test asks for a fixture that needs it, shared by all
xdist workers, and gone at the end. The fixtures are in `pytest_signerd.plugin`.
"""
