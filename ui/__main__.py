"""``python -m ui`` is the command ``emberline``. Whatever is imported, Ctrl-C and a lack of memory end in one line."""

# loaded by Python itself before anything else: no import that Ctrl-C could interrupt
import os
import sys

TYPE_CHECKING = False

if TYPE_CHECKING:
    from sys import UnraisableHookArgs


def main() -> None:
    """Entry point; see ``ui/cli/main.py``."""
    try:
        sys.unraisablehook = heed
        from emberline.ui.cli import faults

        try:
            faults.begin()
            from emberline.ui.cli.main import main as run

            run()
        except Exception as error:  # loading failed, or its message could not be printed
            faults.end(faults.in_words(error) or f"error in Emberline: {type(error).__name__}: {error}")
    except KeyboardInterrupt:
        give_up()


def give_up() -> None:
    """End at once, as Ctrl-C asks."""
    os.write(2, b"given up\n")
    os._exit(130)


def heed(unraisable: "UnraisableHookArgs") -> None:
    """Obey Ctrl-C where Python drops it: an exception in a callback of its import system is only printed."""
    if unraisable.exc_type is KeyboardInterrupt:
        give_up()
    sys.__unraisablehook__(unraisable)


if __name__ == "__main__":
    main()
