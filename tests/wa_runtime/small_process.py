"""A process of the runtime that says what its Python keeps, and ends."""

import json
import sys


def main() -> None:
    said = {
        "docstring": __doc__,
        "asserts": __debug__,
        "writes_bytecode": not sys.dont_write_bytecode,
    }
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main()
