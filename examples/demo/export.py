"""An attacker with the PIN at the token itself: every PKCS#11 way to take a private key away."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from signerd.app.init.token import open_tokens
from signerd.config.load import load_settings
from signerd.core.lifecycle import TokenPurpose
from signerd.core.value import KeyRef
from signerd.tokens.export_probe import ExportAttempt, probe_existing


def try_to_export(configuration: Path, credential: str) -> list[ExportAttempt]:
    """Try every way on the key of a credential that is in use.

    In a process of its own: PKCS#11 has one caller in a process. Raises LookupError when no token
    of the daemon has the key.
    """
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=spawn) as process:
        return process.submit(_probe, configuration, credential).result()


def _probe(configuration: Path, credential: str) -> list[ExportAttempt]:
    # A credential is named by the CKA_ID of its key.
    cka_id = bytes.fromhex(credential.removeprefix("credentials/"))
    tokens = open_tokens(load_settings(configuration))
    for token in tokens.open_tokens(TokenPurpose.SUBSCRIBER):
        if any(key.cka_id == cka_id for key in tokens.list_keys(token)):
            return probe_existing(tokens.session_of(token), KeyRef(token, cka_id))
    raise LookupError(f"no subscriber token has the key of {credential}")
