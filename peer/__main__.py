"""`peer NAME HOST PORT [COMMAND...]`."""

import sys

from peer.arguments import parse


def main() -> None:
    arguments = parse(sys.argv[1:])
    try:
        # Half a second of imports; a wrong argument is told before.
        from peer.program import run  # noqa: PLC0415

        code = run(arguments)
    except KeyboardInterrupt:  # while nobody listens to signals yet
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
