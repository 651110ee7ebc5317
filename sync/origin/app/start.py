"""Starts `signage-origin`: no garbage is looked for while code is loaded, which would take a fifth of the start."""

import gc


def main() -> int:
    """Load the command line and run it; return its exit code."""
    gc.disable()
    from sync.origin.app import cli

    gc.freeze()  # what is loaded stays: no later collection looks at it
    gc.enable()
    return cli.main()


if __name__ == "__main__":
    raise SystemExit(main())
