"""Command ``emberline headroom``: savings at lower and higher order loads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from emberline.ui.cli.options import AsJson, Changes, Named, Refused, SearchGap, SearchTime, of_searches, print_json
from emberline.ui.cli.workers import Cluster, Quiet, Workers, at_work, one_place

if TYPE_CHECKING:
    from emberline.studies import Headroom, Load


def headroom(
    scenario: Named,
    changes: Changes = None,
    loads: Annotated[
        list[str] | None,
        typer.Option("--load", metavar="SHARE", help="order load, such as 80%; default: 50 % to 100 % in steps of ten"),
    ] = None,
    threshold: Annotated[
        str,
        typer.Option(
            "--threshold", metavar="SHARE", help="smallest saving that counts, as a share of the baseline figure"
        ),
    ] = "1%",
    replications: Annotated[
        int | None, typer.Option("--replications", min=0, metavar="N", help="disturbed replays of each plan")
    ] = None,
    gap: SearchGap = None,
    time_limit: SearchTime = None,
    workers: Workers = None,
    cluster: Cluster = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Plan a scenario at 50 to 100 % of its order load: the saving at each load, and where flexibility ends.

    Heats are removed evenly while casts stay complete; deliveries are scaled. Ctrl-C keeps the loads planned so far.
    The exit code is 1 if no plan is acceptable.
    """
    one_place(workers, cluster)
    from emberline.planning.engine import engine, memory
    from emberline.scenarios import load as read
    from emberline.studies import headroom as rooms
    from emberline.ui.cli.progress import study

    fixed = [*(changes or []), *of_searches(gap, time_limit)]
    fixed += [] if replications is None else [f"disturbances.replications={replications}"]
    case = read(scenario, fixed)
    least = _share("--threshold", threshold)
    shares = rooms.checked(case, [_share("--load", text) for text in loads or []] or rooms.LOADS)
    if workers is None and cluster is None:
        workers = min(engine.cores(), len(shares))
    at_once = min(workers or 1, len(shares))
    hint = "use fewer --workers" if at_once > 1 else ""
    memory.refuse(memory.of_plan(case) * at_once, f"{case.name} ({at_once} at a time)", hint)

    def work(tell: Any, wish: Any) -> Headroom:
        with engine.engine(workers, cluster) as ready:
            tell(f"{len(shares)} loads, {at_work(ready.workers)}")
            return rooms.headroom(
                case, ready, shares, threshold=least, cancel=wish,
                on_progress=lambda event: tell(f"{event['done']} of {event['of']}: {_in_words(event['load'])}"),
            )  # fmt: skip

    curve = study(work, "keeping the loads planned so far", quiet, cluster)
    if as_json:
        print_json(curve.summary())
    else:
        _show(curve)
    raise typer.Exit(0 if any(load.acceptable for load in curve.loads) else 1)


def _share(option: str, text: str) -> float:
    from emberline.scenarios.records.quantity import convert

    try:
        share = convert(text, "")
    except ValueError as error:
        raise Refused(f"{option} {error}") from None
    if not 0 < share <= 1:
        raise Refused(f"{option} {text}: must be a share above 0 up to 100 %")
    return share


def _in_words(load: Load) -> str:
    from emberline.reports.text import wording

    gap = "" if load.gap is None else f", gap {wording.percent(load.gap)}"
    saved = "" if load.goal_share is None else f", {wording.percent(load.goal_share, 1)} saved"
    return f"{load.share * 100:.0f} % load: {load.status}{gap}{saved}"


def _show(curve: Headroom) -> None:
    from rich.text import Text

    from emberline.reports.text.studies.headroom import load_rows
    from emberline.ui.cli import terminal

    console = terminal.out()
    console.print(terminal.table_of(load_rows(curve.summary()), more=1), soft_wrap=True)
    console.print()
    console.print(Text.assemble(("ends      ", "bold"), curve.says))
    note = "saved: undisturbed, compared with the baseline at the same load; in brackets: 95 % of the mean over "
    note += "disturbed days, with the same disturbances"
    console.print(Text.assemble(("notes     ", "bold"), note))
    console.print("          at most: upper bound on the saving of plans on these steps, from the bound of the search")
