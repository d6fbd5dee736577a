"""Run the command `countersign` as `python -m countersign_client`."""

import sys

from countersign_client.command import main

if __name__ == "__main__":
    sys.exit(main())
