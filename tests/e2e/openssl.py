"""The openssl program as judge."""

import subprocess
from pathlib import Path

from signerd_client.certificate import pem_encode


def openssl(*arguments: str, directory: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run it, in a directory, without a judgement of ours."""
    return subprocess.run(
        ["openssl", *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def verify_chain(directory: Path, leaf: bytes, chain: list[bytes]) -> str:
    """`openssl verify -x509_strict` of a leaf (DER) against issuing CA and root; its output."""
    issuing, root = chain
    for name, der in (("leaf", leaf), ("issuing", issuing), ("root", root)):
        (directory / f"{name}.pem").write_text(pem_encode("CERTIFICATE", der))
    done = openssl(
        *("verify", "-x509_strict", "-purpose", "any", "-CAfile", str(directory / "root.pem")),
        *("-untrusted", str(directory / "issuing.pem"), str(directory / "leaf.pem")),
    )
    return done.stdout + done.stderr


def verify_signature(
    directory: Path, public_pem: str, data: bytes, signature: bytes, scheme: str
) -> bool:
    """Whether openssl takes a signature. scheme: pkcs1-HASH, pss-HASH, ecdsa-HASH or ed25519."""
    files = {name: directory / name for name in ("key.pem", "data", "signature")}
    files["key.pem"].write_text(public_pem)
    files["data"].write_bytes(data)
    files["signature"].write_bytes(signature)
    if scheme == "ed25519":
        done = openssl(
            *("pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", str(files["key.pem"])),
            *("-in", str(files["data"]), "-sigfile", str(files["signature"])),
        )
        return done.returncode == 0
    kind, hash_ = scheme.split("-")
    options = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"]
    done = openssl(
        *("dgst", f"-{hash_}", "-verify", str(files["key.pem"])),
        *(options if kind == "pss" else ()),
        *("-signature", str(files["signature"]), str(files["data"])),
    )
    return done.returncode == 0
