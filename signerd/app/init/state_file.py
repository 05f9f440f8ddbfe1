"""The files of a new state directory: configuration, policy, identity documents, profiles."""

from dataclasses import dataclass
from pathlib import Path

from signerd.app.init.soft_token import AUTHORITY_LABEL, SUBSCRIBER_PREFIX
from signerd.pki.profile_directory import shipped_profiles

CLIENT_URI = "spiffe://signerd.local/client/"
# The identities init makes, each with the role of its name.
ROLES = ("operator", "ra-officer", "ra-supervisor", "signer", "relying-party", "auditor")


@dataclass(frozen=True, slots=True)
class Addresses:
    """host:port of the API, and of HTTP for relying parties."""

    listen: str
    publish: str


_CONFIG = """\
# signerd on SoftHSM, as `signerd init` made it. Relative paths are relative to this file.
# Every key with its default and meaning: `signerd check-config --explain`.

[server]
listen = "{listen}"
state_directory = "."

[tokens]
module = "{module}"
environment = {{ SOFTHSM2_CONF = "./softhsm2.conf" }}

[tokens.authority]
uri = "pkcs11:token={authority}?pin-source=file:secrets/user.pin"

[tokens.subscribers]
uri = "pkcs11:token={subscribers}?pin-source=file:secrets/user.pin"
grow = true
so_pin_source = "file:secrets/so.pin"

[authority]
country = "KR"
organization = "signerd test"
root_common_name = "signerd test root CA"
issuing_common_name = "signerd test issuing CA"

[publisher]
listen = "{publish}"

[timestamping]
# Nothing keeps the clock of many test machines and containers right.
allow_unsynchronised_clock = true

# For tests: a bank has the URL of its verification service here.
[identity]
document_verifier = "file:documents.csv"
"""

_DOCUMENTS = "kind,number,name,issue_date\n"

_POLICY_HEAD = """\
# Who may do what. Denied unless granted here; read again at SIGHUP.
# A principal is uri:… or dns:… from the subjectAltName of the client certificate, or
# local:operator, whoever may open the Unix socket. '*' is the only wildcard.
"""


def write_state_files(state: Path, module: Path, addresses: Addresses) -> list[str]:
    """Write what is missing; returns the names of what was written."""
    written = []
    texts = {
        "signerd.toml": _CONFIG.format(
            listen=addresses.listen,
            publish=addresses.publish,
            module=module,
            authority=AUTHORITY_LABEL,
            subscribers=SUBSCRIBER_PREFIX,
        ),
        "policy.toml": policy_text(),
        "documents.csv": _DOCUMENTS,
    }
    for name, text in texts.items():
        if not (state / name).exists():
            (state / name).write_text(text, encoding="utf-8")
            written.append(name)
    return written + write_profiles(state / "profiles")


def write_profiles(directory: Path) -> list[str]:
    """Copy the shipped profiles that are missing; returns their names."""
    directory.mkdir(exist_ok=True)
    written = []
    for name, content in shipped_profiles().items():
        target = directory / name
        if not target.exists():
            target.write_bytes(content)
            written.append(f"profiles/{name}")
    return written


def policy_text() -> str:
    """One grant for each identity that init makes, and the operator's for the local socket."""
    grants = [("local:operator", "operator")]
    grants += [(f"uri:{CLIENT_URI}{role}", role) for role in ROLES]
    return _POLICY_HEAD + "".join(_grant(principal, role) for principal, role in grants)


def _grant(principal: str, role: str) -> str:
    scope = 'subscribers = ["*"]\n' if role == "signer" else ""
    return f'\n[[grant]]\nprincipal = "{principal}"\nrole = "{role}"\n{scope}'
