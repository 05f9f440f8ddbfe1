"""Where relying parties find what; profiles name these in certificates."""

from typing import Final

ISSUING_CRL: Final = "/crl/issuing.crl"
ISSUING_DELTA_CRL: Final = "/crl/issuing-delta.crl"
ROOT_CRL: Final = "/crl/root.crl"
OCSP: Final = "/ocsp"
TIME_STAMPS: Final = "/tsa"
ISSUING_CERTIFICATE: Final = "/ca/issuing.cer"
ROOT_CERTIFICATE: Final = "/ca/root.cer"
PEM_CHAIN: Final = "/ca/chain.pem"
CMS_CHAIN: Final = "/ca/chain.p7c"
HEALTH: Final = "/healthz"
