"""CRLs of a running daemon, fetched over HTTP and judged by openssl and pkilint."""

import uuid
from pathlib import Path

from cryptography import x509
from pkilint.bin import lint_crl  # type: ignore[import-untyped] # pkilint has no types

from signerd_client import Certificate, Client, KeyAlgorithm, RevocationReason
from tests.e2e.waiting import wait_until
from tests.pki.judge import pkilint_codes
from tests.publisher.relying_party import RelyingParty, run


def issue(officer: Client) -> Certificate:
    """A certificate of its own."""
    return officer.issue_certificate(
        f"party-{uuid.uuid4().hex[:12]}",
        "personal",
        "홍길동",
        key_algorithm=KeyAlgorithm.EC_P256_SHA256,
    )


def number_of(crl: bytes) -> int:
    """cRLNumber."""
    extensions = x509.load_der_x509_crl(crl).extensions
    return extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def await_number(party: RelyingParty, number: int) -> bytes:
    """The full CRL, once it has this number or a later one."""
    wait_until(lambda: number_of(party.crl()) >= number, f"CRL {number} is there")
    return party.crl()


def reason_in(crl: bytes, certificate: Certificate) -> str | None:
    """The reason of an entry; "" without reason, None without entry."""
    serial = int(certificate.serial_number, 16)
    entry = x509.load_der_x509_crl(crl).get_revoked_certificate_by_serial_number(serial)
    if entry is None:
        return None
    codes = [it.value.reason for it in entry.extensions if isinstance(it.value, x509.CRLReason)]
    return codes[0].value if codes else ""


def test_a_revocation_is_in_the_crl_that_the_answer_named(
    officer: Client, party: RelyingParty
) -> None:
    """Within seconds, in the full CRL and in the delta CRL, which have the same number; openssl
    accepts the certificate before and refuses it afterwards, with either."""
    certificate = issue(officer)
    before = party.crl()
    assert party.verify(certificate.der).endswith("leaf.pem: OK\n")
    revoked = officer.revoke_certificate(certificate.name, RevocationReason.KEY_COMPROMISE)
    assert revoked.crl_number > number_of(before)
    full = await_number(party, revoked.crl_number)
    assert reason_in(full, certificate) == "keyCompromise"
    assert "certificate revoked" in party.verify(certificate.der)
    # Who has an older full CRL learns of it from the delta CRL.
    assert party.verify(certificate.der, full=before).endswith("leaf.pem: OK\n")
    wait_until(
        lambda: number_of(party.crl("issuing-delta")) >= revoked.crl_number, "the delta is there"
    )
    assert "certificate revoked" in party.verify(certificate.der, with_delta=True, full=before)


def test_a_suspension_is_a_hold_and_its_end_is_told(officer: Client, party: RelyingParty) -> None:
    """certificateHold in both CRLs; afterwards not in the full one, and removeFromCRL in the delta
    CRL, so that openssl accepts the certificate again, also with the older full CRL."""
    certificate = issue(officer)
    held = officer.suspend_certificate(certificate.name)
    on_hold = await_number(party, held.crl_number)
    assert reason_in(on_hold, certificate) == "certificateHold"
    assert reason_in(party.crl("issuing-delta"), certificate) == "certificateHold"
    assert "certificate revoked" in party.verify(certificate.der)
    resumed = officer.resume_certificate(certificate.name)
    assert resumed.crl_number > held.crl_number
    full = await_number(party, resumed.crl_number)
    assert reason_in(full, certificate) is None
    wait_until(
        lambda: reason_in(party.crl("issuing-delta"), certificate) == "removeFromCRL",
        "the delta CRL takes it off",
    )
    assert party.verify(certificate.der).endswith("leaf.pem: OK\n")
    assert party.verify(certificate.der, with_delta=True, full=on_hold).endswith("leaf.pem: OK\n")


def test_a_reissued_certificate_is_superseded(officer: Client, party: RelyingParty) -> None:
    """The replaced certificate is listed, the new one is good."""
    old = issue(officer)
    new = officer.reissue_certificate(old.name).certificate
    number = officer.get_certificate(old.name).crl_number
    assert reason_in(await_number(party, number), old) == "superseded"
    assert party.verify(new.der).endswith("leaf.pem: OK\n")


def test_the_delta_names_its_base_and_the_full_crl_names_the_delta(party: RelyingParty) -> None:
    """RFC 5280, 5.2.4 and 5.2.6: relying parties find it and know which CRLs it completes."""
    full = x509.load_der_x509_crl(party.crl()).extensions
    freshest = full.get_extension_for_class(x509.FreshestCRL).value[0].full_name
    assert freshest is not None
    assert [name.value for name in freshest] == [party.url + "/crl/issuing-delta.crl"]
    delta = party.crl("issuing-delta")
    indicator = x509.load_der_x509_crl(delta).extensions.get_extension_for_class(
        x509.DeltaCRLIndicator
    )
    assert indicator.critical
    assert indicator.value.crl_number < number_of(delta)


def test_certificates_say_where_their_status_is(officer: Client, party: RelyingParty) -> None:
    """`openssl verify -crl_download` finds the CRL by the certificate alone, that of the issuing CA
    too."""
    certificate = issue(officer)
    issuing, root = party.chain()
    leaf = party.save("leaf", certificate.der)
    by_itself = ("openssl", "verify", "-crl_check", "-crl_download", "-CAfile", root)
    assert run(*by_itself, issuing).endswith("issuing.pem: OK\n")
    checked = (*by_itself, "-untrusted", issuing, leaf)
    assert run(*checked).endswith("leaf.pem: OK\n")
    revoked = officer.revoke_certificate(certificate.name, RevocationReason.SUPERSEDED)
    await_number(party, revoked.crl_number)
    assert "certificate revoked" in run(*checked)


def test_pkilint_finds_nothing(officer: Client, party: RelyingParty, tmp_path: Path) -> None:
    """In any of the CRLs, with entries of several kinds."""
    for reason in (RevocationReason.UNSPECIFIED, RevocationReason.CESSATION_OF_OPERATION):
        officer.revoke_certificate(issue(officer).name, reason)
    held = officer.suspend_certificate(issue(officer).name)
    await_number(party, held.crl_number)
    file = tmp_path / "crl.der"
    for name, kind in (("issuing", "CRL"), ("issuing-delta", "CRL"), ("root", "ARL")):
        file.write_bytes(party.crl(name))
        assert pkilint_codes(lint_crl.main, "-t", kind, "-p", "PKIX", file) == set()
