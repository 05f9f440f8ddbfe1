"""The examination, check after check."""

from collections.abc import Callable
from pathlib import Path

from signerd.app.doctor.audit import check_audit_signer, check_checkpoint_file
from signerd.app.doctor.authority import (
    Stored,
    check_authority,
    check_clock,
    check_ocsp_signer,
    check_store,
    check_tls,
)
from signerd.app.doctor.finding import Findings
from signerd.app.doctor.identity import check_identity_checks
from signerd.app.doctor.outbox import check_outbox
from signerd.app.doctor.secret import check_secrets
from signerd.app.doctor.time_stamper import check_time_stamper
from signerd.app.doctor.token import TokenChecks
from signerd.config.load import load_settings
from signerd.core.clock import Clock
from signerd.pki.profile_directory import load_profiles
from signerd.policy.load import load_policy


def examine(config: Path, clock: Clock, say: Callable[[str], None]) -> bool:
    """Check everything and say what was found; False when a check failed.

    Raises BootError for a configuration that cannot be read, without which nothing can be said.
    """
    findings = Findings()
    settings = load_settings(config)
    findings.ok("configuration", str(config))
    with findings.guard("policy"):
        findings.ok("policy", f"{len(load_policy(settings.policy.file).grants)} grants")
    with findings.guard("profiles"):
        findings.ok(
            "profiles",
            ", ".join(
                sorted(
                    load_profiles(settings.policy.profiles, publisher_url=settings.publisher.url)
                )
            ),
        )
    check_identity_checks(findings, settings)
    check_outbox(findings, settings)
    check_tls(findings, settings, clock)
    stored = check_store(findings, settings, clock)
    if stored is not None:
        check_authority(findings, stored.keys, clock)
        check_ocsp_signer(findings, stored.keys, clock)
        check_audit_signer(findings, stored.keys, clock)
        check_checkpoint_file(findings, settings, clock)
        check_time_stamper(findings, settings, stored.keys, clock)
        check_clock(findings, stored.keys, clock)
    own = stored or Stored()
    with findings.guard("tokens"):
        tokens = TokenChecks(findings, settings)
        if tokens.check_module(own.tokens):
            tokens.check_login()
            tokens.check_keys(own.keys)
            tokens.check_signature(own.keys)
            check_secrets(findings, tokens.opened, own.secrets)
            tokens.check_export()
    for finding in findings.all:
        say(str(finding))
    failed = sum(finding.verdict == "FAILED" for finding in findings.all)
    say(f"{len(findings.all)} checks, {failed} failed")
    return findings.is_good
