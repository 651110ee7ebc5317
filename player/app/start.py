"""Starts `signage-player`: no garbage is looked for while code is loaded, which would take a fifth of the start."""

import gc


def main() -> None:
    """Load the command line and carry it out; exit with its code."""
    gc.disable()
    from player.app import cli

    gc.freeze()  # what is loaded stays: no later collection looks at it
    gc.enable()
    cli.main()


if __name__ == "__main__":
    main()
