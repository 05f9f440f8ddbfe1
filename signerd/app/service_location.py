"""What certificates of the daemon's own services say of the publisher."""

from typing import TypedDict

from signerd.config.settings import Settings
from signerd.publisher.path import ISSUING_CERTIFICATE, ISSUING_CRL


class Locations(TypedDict):
    """Where relying parties find the issuing CA's CRL and certificate; "" for nowhere."""

    crl_uri: str
    issuer_uri: str


def time_stamper_locations(settings: Settings) -> Locations:
    """For the certificate of the time-stamping authority."""
    publisher = settings.publisher
    if not publisher.enabled:
        return Locations(crl_uri="", issuer_uri="")
    return Locations(
        crl_uri=publisher.url + ISSUING_CRL, issuer_uri=publisher.url + ISSUING_CERTIFICATE
    )
