"""`python -m saasbot run|stop|reseal|…`."""

import sys

from saasbot.start.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
