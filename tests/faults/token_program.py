"""What other programs do to a token while the daemon runs, as `python -m` of its own process:
a PKCS#11 module stays loaded, with its environment, until its process ends."""

import argparse
import sys

import pkcs11
from pkcs11 import Attribute, KeyType, ObjectClass
from pkcs11.util.ec import encode_named_curve_parameters


def main(arguments: list[str]) -> None:
    """SOFTHSM2_CONF is in the environment, PINs come on standard input, one a line."""
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "act", choices=["change-pin", "add-key", "destroy", "destroy-added", "list-private"]
    )
    parser.add_argument("--module", required=True)
    parser.add_argument("--label", required=True)
    parser.add_argument("--id", default="")
    options = parser.parse_args(arguments)
    pin, *more = sys.stdin.read().split()
    token = pkcs11.lib(options.module).get_token(token_label=options.label)
    with token.open(rw=True, user_pin=pin) as session:
        if options.act == "change-pin":
            session.set_pin(pin, more[0])
        elif options.act == "add-key":
            _add_key(session, bytes.fromhex(options.id))
        elif options.act == "destroy":
            for key in list(session.get_objects({Attribute.ID: bytes.fromhex(options.id)})):
                key.destroy()
        elif options.act == "destroy-added":
            for key in list(session.get_objects({Attribute.LABEL: "added"})):
                key.destroy()
        else:
            for key in session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY}):
                sys.stdout.write(f"{key[Attribute.ID].hex()}\n")


def _add_key(session: pkcs11.Session, cka_id: bytes) -> None:
    domain = session.create_domain_parameters(
        KeyType.EC, {Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}, local=True
    )
    domain.generate_keypair(id=cka_id, label="added", store=True)


if __name__ == "__main__":
    main(sys.argv[1:])
