"""``python -m ui`` is the command ``emberline``. Whatever is imported, Ctrl-C and a lack of memory end in one line."""


def main() -> None:
    """Entry point; see ``ui/cli/main.py``."""
    try:
        from emberline.ui.cli import faults

        try:
            faults.begin()
            from emberline.ui.cli.main import main as run

            run()
        except Exception as error:  # loading failed, or its message could not be printed
            faults.end(faults.in_words(error) or f"error in Emberline: {type(error).__name__}: {error}")
    except KeyboardInterrupt:
        import os

        os.write(2, b"given up\n")
        os._exit(130)


if __name__ == "__main__":
    main()
