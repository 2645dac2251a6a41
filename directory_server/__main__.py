"""`dirserver PORT`."""

import sys

from directory_server.arguments import parse


def main() -> None:
    arguments = parse()
    try:
        # Half a second of imports; a wrong argument is told before.
        from directory_server.program import run  # noqa: PLC0415

        code = run(arguments)
    except KeyboardInterrupt:  # while nobody listens to signals yet
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
