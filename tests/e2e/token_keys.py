"""Program: the CKA_IDs on the authority token of a configuration, as a JSON list. A process of its
own, because a PKCS#11 module has one caller."""

import json
import sys
from pathlib import Path

from signerd.app.init.token import authority_token, open_tokens
from signerd.config.load import load_settings

if __name__ == "__main__":
    tokens = open_tokens(load_settings(Path(sys.argv[1])))
    keys = tokens.list_keys(authority_token(tokens))
    sys.stdout.write(json.dumps([key.cka_id.hex() for key in keys]))
