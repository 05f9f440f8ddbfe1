"""Checks of the secret keys that personal data is encrypted and found with."""

from signerd.app.doctor.finding import Findings
from signerd.app.doctor.token import report_protection
from signerd.core.lifecycle import SystemKeyRole
from signerd.core.record import SystemSecret
from signerd.tokens.inspect import inspect_secret
from signerd.tokens.token_set import TokenSet

_SAMPLE = b"signerd doctor"


def check_secrets(
    findings: Findings, tokens: TokenSet, secrets: dict[SystemKeyRole, SystemSecret]
) -> None:
    """Each is there and protected, and does what it is for."""
    for role, secret in secrets.items():
        check = f"{role.value.lower()} key"
        with findings.guard(check):
            session = tokens.session_of(secret.key.token)
            found = inspect_secret(session, secret.key, secret.algorithm)
            report_protection(findings, check, secret.algorithm, found)
    for role in (SystemKeyRole.SEAL, SystemKeyRole.INDEX):
        if role not in secrets:
            findings.failed(
                f"{role.value.lower()} key", "the database knows none; run `signerd init`"
            )
            return
    _check_sealing(findings, tokens, secrets[SystemKeyRole.SEAL])
    _check_hashing(findings, tokens, secrets[SystemKeyRole.INDEX])


def _check_sealing(findings: Findings, tokens: TokenSet, secret: SystemSecret) -> None:
    check = "test sealing"
    with findings.guard(check):
        sealed = tokens.seal(secret.key, _SAMPLE, b"doctor")
        if tokens.unseal(secret.key, sealed, b"doctor") == _SAMPLE and _SAMPLE not in sealed:
            findings.ok(check, f"{secret.algorithm} sealed and unsealed")
        else:
            findings.failed(
                check, "what was sealed is not unsealed; the token is not to be trusted"
            )


def _check_hashing(findings: Findings, tokens: TokenSet, secret: SystemSecret) -> None:
    check = "test keyed hash"
    with findings.guard(check):
        one, again = tokens.mac(secret.key, _SAMPLE), tokens.mac(secret.key, _SAMPLE)
        if one == again != tokens.mac(secret.key, b"another"):
            findings.ok(check, f"{secret.algorithm} made twice, the same")
        else:
            findings.failed(check, "two hashes of one value differ; the token is not to be trusted")
