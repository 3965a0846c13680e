"""`python -m saasbot run|stop`."""

import sys

from saasbot.start.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
