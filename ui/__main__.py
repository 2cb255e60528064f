"""``python -m ui`` is the command ``emberline``."""

from ui.cli import main

if __name__ == "__main__":
    main()
