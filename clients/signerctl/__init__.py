"""The command line over signerd_client."""

import os

# gRPC reads this once, when it is first imported. Its own log lines would stand between the words
# meant for people.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
