"""Run the command ``emberline`` as ``python -m emberline``."""

from emberline.ui.__main__ import main

if __name__ == "__main__":
    main()
