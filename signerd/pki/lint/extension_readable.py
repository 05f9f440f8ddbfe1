"""Every extension of a known type holds what its type says.

The library takes garbage under a known OID when it builds and complains only when it reads.
"""

import warnings
from typing import Final

from cryptography import x509

from signerd.pki.lint.rule import Rule, Specimen


def _judge(specimen: Specimen) -> str | None:
    try:
        with warnings.catch_warnings():
            # A name within authorityKeyIdentifier is measured in octets; see distinguished_name.
            warnings.filterwarnings("ignore", "Attribute's length", UserWarning)
            specimen.certificate.extensions  # noqa: B018 - reading is the check
    except x509.DuplicateExtension:
        return None
    except (ValueError, x509.UnsupportedGeneralNameType) as error:
        return str(error)
    return None


RULE: Final = Rule("extension-readable", "RFC 5280, 4.2", _judge)
