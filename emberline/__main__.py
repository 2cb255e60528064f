"""``python -m emberline`` is the command ``emberline``."""

from emberline.ui.__main__ import main

if __name__ == "__main__":
    main()
