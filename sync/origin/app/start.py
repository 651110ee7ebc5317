"""Starts `signage-origin`: no garbage is looked for while code is loaded, which would take a fifth of the start."""

import gc
import sys

from sync.origin.remote.verbs import is_remote


def main() -> int:
    """Load the command line and run it; return its exit code."""
    gc.disable()
    if is_remote(arguments := sys.argv[1:]):
        from sync.origin.remote import cli as remote

        gc.enable()
        return remote.main(arguments)
    from sync.origin.app import cli

    gc.freeze()  # what is loaded stays: no later collection looks at it
    gc.enable()
    return cli.main()


if __name__ == "__main__":
    raise SystemExit(main())
