"""A throwaway SoftHSM token with one key of each measured kind."""

import multiprocessing
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass, Session, SignMixin
from pkcs11.util.ec import encode_named_curve_parameters

if TYPE_CHECKING:
    from pkcs11 import DomainParameters

MODULE: Final = "/usr/lib/softhsm/libsofthsm2.so"
_LABEL: Final = "bench"


class KeyKind(StrEnum):
    """Kinds of key that are measured; the value is the algorithm's name in the API."""

    RSA_2048 = "RSA_2048_PKCS1_SHA256"
    P_256 = "EC_P256_SHA256"


@dataclass(frozen=True, slots=True)
class TokenAccess:
    """How a process reaches the token. configuration: SoftHSM's own file."""

    configuration: Path
    pin: str

    def open(self) -> Session:
        """Load the module into this process and log in."""
        os.environ["SOFTHSM2_CONF"] = str(self.configuration)
        token = pkcs11.lib(MODULE).get_token(token_label=_LABEL)
        return token.open(rw=True, user_pin=self.pin)


def find_key(session: Session, kind: KeyKind) -> tuple[SignMixin, Mechanism]:
    """The private key of a kind and the mechanism that signs a digest with it."""
    key = session.get_key(object_class=ObjectClass.PRIVATE_KEY, label=kind.value)
    mechanism = Mechanism.RSA_PKCS if kind is KeyKind.RSA_2048 else Mechanism.ECDSA
    return cast("SignMixin", key), mechanism


@contextmanager
def throwaway_token() -> Iterator[TokenAccess]:
    """A new token that is gone afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="sdbench"))
    try:
        (directory / "tokens").mkdir()
        configuration = directory / "softhsm2.conf"
        configuration.write_text(
            f"directories.tokendir = {directory}/tokens\nobjectstore.backend = file\n"
            "log.level = ERROR\n"
        )
        access = TokenAccess(configuration, pin=secrets.token_hex(8))
        _initialize(access)
        maker = multiprocessing.get_context("spawn").Process(target=_make_keys, args=(access,))
        maker.start()
        maker.join()
        if maker.exitcode != 0:
            raise RuntimeError(f"making keys on {MODULE} failed; see the message above")
        yield access
    finally:
        shutil.rmtree(directory)


def _initialize(access: TokenAccess) -> None:
    subprocess.run(
        [
            *("softhsm2-util", "--init-token", "--free", "--label", _LABEL),
            *("--so-pin", secrets.token_hex(8), "--pin", access.pin),
        ],
        env=os.environ | {"SOFTHSM2_CONF": str(access.configuration)},
        check=True,
        capture_output=True,
    )


def _make_keys(access: TokenAccess) -> None:
    """In a process of its own: only one PKCS#11 caller lives at a time."""
    with access.open() as session:
        session.generate_keypair(KeyType.RSA, 2048, store=True, label=KeyKind.RSA_2048.value)
        curve: DomainParameters = session.create_domain_parameters(
            KeyType.EC,
            {Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")},
            local=True,
        )
        curve.generate_keypair(store=True, label=KeyKind.P_256.value)
