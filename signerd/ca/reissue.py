"""Reissue: new key, same holder, profile and expiry; the old certificate ends in that instant."""

from datetime import datetime

from signerd.ca.replace import CertificateReplacer, ReplaceRequest
from signerd.core.lifecycle import CertificateAct
from signerd.core.record import CertificateRecord
from signerd.pki.profile import Profile
from signerd.pki.validity import validity_until


class ReissueCertificate:
    """The use case behind CertificateAuthority.ReissueCertificate."""

    def __init__(self, replacer: CertificateReplacer) -> None:
        self._replacer = replacer

    async def validate(self, call: ReplaceRequest) -> CertificateRecord:
        """The certificate to replace, if it may be. Raises as CertificateReplacer.validate."""
        return await self._replacer.validate(call, CertificateAct.REISSUE, _validity)

    async def reissue(self, call: ReplaceRequest) -> tuple[CertificateRecord, CertificateRecord]:
        """The new certificate and the old one, revoked: as superseded, or as it was before. Raises
        as CertificateReplacer.replace."""
        return await self._replacer.replace(call, CertificateAct.REISSUE, _validity)


def _validity(
    old: CertificateRecord, profile: Profile, now_utc: datetime
) -> tuple[datetime, datetime]:
    return validity_until(profile, now_utc, old.not_after_utc)
