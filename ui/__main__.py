"""``python -m ui`` is the command ``emberline``. Nothing is imported before Ctrl-C is answered in one line."""


def main() -> None:
    """Entry point; see ``ui/cli.py``."""
    try:
        from ui.cli import main as run

        run()
    except KeyboardInterrupt:
        import os

        os.write(2, b"given up\n")
        os._exit(130)


if __name__ == "__main__":
    main()
