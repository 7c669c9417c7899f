"""``python -m earwitness``: the command."""

from earwitness.cli import main

if __name__ == "__main__":
    main()
