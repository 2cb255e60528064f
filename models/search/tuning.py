"""Settings of each search in one record: how far it looks, how it divides its work, when it continues.

Shares refer to the remaining work, unless a field says otherwise; work is counted in units of ``scenarios/effort.py``.
Values were chosen by hand and work well on the bundled scenarios; a field that was compared with other values names the
cases (``docs/design`` has the figures). Physical constants, solver tolerances, constants of formats and rates by which
work is counted are defined where they are used.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LineTuning:
    """Search for heats of a line: pooled plans, named heats around them, renewed casts, and the bound."""

    # strategies/whole_horizon.py, heuristics/line/aggregate_first.py
    beginnings: tuple[float | None, ...] = (0.0, 0.5, 0.99, None)
    """Rounding of lags of averaged heats: down, to the nearest slot, up; None: heats are not averaged. Each leads to a
    different plan."""
    opening_shares: tuple[float, float] = (0.35, 0.5)
    """Share for plans before named heats over the whole horizon; the second value applies while there is no plan."""
    surroundings: tuple[tuple[int, int], ...] = ((0, 0), (1, 0), (1, 1), (2, 4))
    """Distances of a pooled plan from its relaxation, closest first: of counts, and slots around casts with weight."""
    long_slots: int = 200
    """Number of slots above which the interior point method is faster for a first relaxation, and prices on units give
    a bound long before the root of the pooled relaxation is solved."""
    pooled_stall: float = 0.7
    """Work without a better pooled plan after which the best one is used."""
    pooled_share: float = 0.4
    """Share of one pooled plan."""
    pooled_same: float = 5e-4
    """Relative difference below which two pooled plans count as equal."""

    # heuristics/line/neighbourhoods.py
    naming_slots: int = 2
    """Slots by which leading starts and casts may deviate from the pooled plan, then from a plan with double use."""
    naming_rounds: int = 10
    """Repeated solves of a plan with double use of units, each at a higher price of double use."""
    naming_patience: int = 2
    """Rounds in which double use may stay unchanged."""
    naming_work: float = 4.0
    """Work of one naming while there are others to try."""
    naming_relaxations: int = 5
    """Longest duration of a naming, as a multiple of that of its relaxation."""
    overlap: float = 0.004
    """Initial price of a slot of double use, as a share of the value of the line's energy."""
    overlap_firm: int = 32
    """Factor on this price if double use must be removed at once."""
    overlap_few: int = 8
    """Slots of double use up to which all of it is removed at once, with every heat moved by up to a slot."""
    step_work: float = 3.0
    """Work of one improvement step."""

    # heuristics/line/coarse_grid.py
    coarse_min: float = 15.0
    """Step of the coarser grid from which a finer one starts [min]."""
    coarse_share: float = 0.2
    """Share for the plan on the coarser grid."""
    coarse_most: float = 0.5
    """Share for this plan if there is none by then."""
    coarse_renewal_share: float = 0.35
    """Share for putting casts of the baseline back differently if the coarser grid gives no plan."""

    # heuristics/line/neighbourhoods.py, strategies/whole_horizon.py
    widths: tuple[int, ...] = (4, 10, 20, 40)
    """Slots by which heats may move in an improvement step; the next width applies when no step helps."""
    exchange_h: float = 24.0
    """Largest time between two casts that are exchanged [h]."""
    shake_seed: int = 20
    """Random seed for the heats that are planned again."""
    shake_failures: int = 8
    """Tries without a better plan after which more heats are planned again at a time."""

    # heuristics/line/minimum_cut_retiming.py
    cut_nodes: tuple[int, int] = (60_000, 6_000)
    """Largest number of starts by slot in a cut, and in a cut of a longer line. Tuned on 168 to 700 heats: a week of
    168 has 40,000; four times as many take twenty times as long, and several small cuts then achieve more."""
    cut_tries: int = 16
    """Largest number of cuts until the import limit is kept."""
    cut_dearer: float = 0.1
    """Price that a MWh above the limit adds to its interval, as a share of the mean value of a MWh."""
    cut_least_over_mwh: float = 0.25
    """Smallest excess over the limit that is counted [MWh]."""
    cut_growth: float = 1.6
    """Factor by which this price grows while the interval exceeds the limit."""
    cut_fading: float = 0.9
    """Factor by which these prices decrease from one plan to the next."""

    # heuristics/line/ruin_and_recreate.py: tuned on real weeks of 168 heats
    renewal_places: int = 3
    """Number of places that are tried for a cast."""
    renewal_loose: float = 0.5
    """Share of moves that put casts back at places nearly as good as the best."""
    renewal_noise: float = 0.01
    """Largest loss against the best place for another place to be nearly as good, as a share of the cost."""
    renewal_shifts: int = 64
    """Number of shifts of casts that are tried at once. Tuned on weeks of 168 heats: they end at 2.0 instead of 1.7 %
    if no casts are put back."""
    renewal_put_back: int = 32
    """Number of moves that put casts back one by one and are tried at once after the shifts."""
    renewal_warmth: float = 0.4
    """Loss accepted with probability 1/e at the start, in standard deviations of the changes by feasible moves."""
    renewal_cooling: int = 4
    """Exponent of the remaining share of rounds by which this loss decreases."""
    renewal_retimed: int = 40
    """Rounds after which all starts are retimed."""
    renewal_near_min: float = 960
    """Largest change of a start in a retiming [min]."""
    renewal_far_min: float = 2880
    """Largest change of a start in a retiming at the beginning [min]."""
    renewal_far_gain: float = 1e-3
    """Relative gain for which a retiming at the beginning is repeated."""
    renewal_failures: int = 3
    """Failures in a row, due to the import limit, after which these retimings end."""
    renewal_listened: int = 15
    """Rounds without accepted losses, from which the standard deviation is computed."""
    renewal_pace: float = 4e6
    """Evaluations of a heat in a slot per unit of work, from which the rounds of a run are computed."""
    renewal_counted: float = 0.6
    """Work of a round as a share of its work at that pace. Fitted to the seconds of bundled scenarios."""
    renewal_cap_share: float = 0.02
    """Weight of a cap relative to that of the goal when the place of a cast is selected."""
    renewal_limit: float = 50.0
    """Factor on the price of a MWh above the import limit. Tuned on weeks of 168 heats: at a low price a plan exceeded
    the limit by 0.13 MWh for thousands of moves."""
    renewal_broken: float = 3.0
    """Additional price of a broken cap."""
    renewal_report: float = 1.0
    """Work between two reported plans."""

    # heuristics/line/batch_moves.py
    move_casts: int = 4
    """Largest number of casts that are removed together."""
    move_reach_min: float = 60
    """Largest shift of a cast [min]."""
    move_later: float = 0.7
    """Share of casts that are shifted in a move."""
    move_other_caster: float = 0.15
    """Share of casts that may change their caster."""
    move_exchanged: float = 0.3
    """Share of moves in which two casts are exchanged."""
    move_near_min: float = 240
    """Largest random distance that is added when casts close in time are selected [min]."""
    move_elsewhere: float = 0.2
    """Share of moves that include a cast from anywhere."""
    move_needed_min: float = 20
    """Standard deviation of the noise on the times by which heats are ordered [min]."""
    move_forward: float = 0.1
    """Share of shifts after which the heats that are needed first are placed first."""

    # strategies/due_date_groups.py
    long_heats: int = 40
    """Number of heats above which a horizon is long: planned order by order, with only the root of the pooled bound."""
    group_heats: int = 24
    """Largest number of heats that are planned together, unless one order has more."""
    group_renewal_share: float = 0.25
    """Share for removing casts and putting them back before groups are planned."""
    group_work: float = 5.0
    """Minimum work of a group."""
    group_gain: float = 1e-3
    """Relative gain for which all groups are planned once more."""
    group_reach_h: float = 12.0
    """Hours by which heats of a group may leave the group's time range in the best plan."""

    # strategies/corridors.py: tuned on the published melt shop of 8 to 24 heats
    counts_widths: tuple[int, ...] = (3, 6, 10)
    """Widths of the successive corridors around a pooled plan [slots]."""
    counts_wide: int = 8
    """Width of a corridor around a plan that was made for another objective [slots]."""
    counts_share: float = 0.1
    """Share for each corridor and for the pooled bound; most of the work is for the whole problem."""
    counts_pooled_shares: tuple[float, float] = (0.15, 0.35)
    """Shares for the pooled plan; the second applies if the first was too short, and to a corridor while there is no
    plan."""
    counts_whole_share: float = 0.5
    """Share for the whole problem if heats by name may be solved after it."""
    counts_begin_share: float = 0.15
    """Share for a first plan if none is given."""
    counts_rounds: int = 12
    """Number of corridors from a given plan towards the optimum of the objective."""
    counts_near: float = 5e-4
    """Gap at which a corridor is finished, and relative gain below which wider ones are skipped."""

    # bounds/branch_and_bound.py, bounds/column_generation.py
    root_share: float = 0.05
    """Share for the root if the bound of a long horizon is branched on."""
    settled_slots: float = 0.5
    """Mean distance from the mean start, in slots, below which the time of a cast counts as fixed."""
    columns: int = 3000
    """Number of columns above which some are dropped."""
    columns_share: float = 0.7
    """Share of them that is then kept."""
    stretch_min: float = 360
    """Length of a stretch in which the best cast of each kind on each caster becomes a column [min]."""
    smoothing: float = 0.5
    """Weight of the best prices so far in the next ones. Tuned on weeks of 168 heats: without smoothing and with prices
    for every slot from the beginning, it takes 100 s to prove what these settings prove in 7 s."""
    tolerances: tuple[float, ...] = (1e-2, 1e-3, 1e-4, 1e-6)
    """Tolerances of the linear program; the next one applies when it gives no new cast. Tuned on weeks of 168 heats: if
    it stays loose, it gives none."""
    close: float = 5e-4
    """Relative distance between mix and bound at which blocks become shorter."""
    over_cap: float = 5.0
    """Price of a broken cap in the linear program, as a multiple of the cap's value for the goal."""
    overuse: float = 40.0
    """Price of a unit used beyond capacity in a slot, in MWh of mean value: far above any other price."""

    # bounds/exact_times.py
    exact_slots: int = 500
    """Number of slots above which no relaxation in exact times is solved; only the places of heats and casts are
    checked."""
    exact_work: float = 10.0
    """Work of a proof that no plan exists with any start times."""
    exact_least: float = 1.0
    """Work of this proof if the work of the search is used up."""
    exact_root_share: float = 0.1
    """Share of this work for the relaxation if an integer program follows: a slow relaxation uses all of the work, and
    the integer program takes many times as much, of which the solver counts little."""


@dataclass(frozen=True)
class SiteView:
    """View of a site with decisions in a run of renewal."""

    level: float
    """Amount by which the peak reduction of the site in the best plan is lowered to get the level [MW]."""
    spread: int
    """Number of metered intervals over which the demand charge is assumed to be spread."""
    shared: bool
    """Whether half of the energy price comes from the multipliers of the bound, if there are any."""


@dataclass(frozen=True)
class LineAndSiteTuning:
    """Search for heats together with a site that has decisions: ``heuristics/line/ruin_and_recreate.py`` and the joint
    bound, ``bounds/joint_prices.py``."""

    share: float = 0.7
    """Share for renewing casts with such a site on a long horizon, where groups gain little."""
    peak_share: float = 0.4
    """Share on a shorter horizon if the goal pays for peaks."""
    views: tuple[SiteView, ...] = (
        SiteView(0, 60, False), SiteView(2, 24, False), SiteView(4, 24, True), SiteView(0, 24, False),
    )  # fmt: skip
    """Views in turn, each from the final plan of the one before, the first from the best plan. Tuned on real weeks of
    ``melt-shop-site``: a charge spread over a dozen intervals increases energy costs by more than the peak saves, and
    the prices of the bound alone are equal over all cheap hours."""
    level_drop: float = 0.1
    """Share of the best plan's peak by which the next level lies below it, unless the minimum that is billed is
    higher."""
    run_work: float = 12.0
    """Work of a run."""
    run_least: float = 3.0
    """Minimum work of a run."""
    settle_work: float = 15.0
    """Work after a cancellation for the actual use of the site in the best plan."""
    tolerances: tuple[float, ...] = (1e-2, 1e-3)
    """Tolerances of the joint bound's linear program. Tuned on ``melt-shop-site``: a tighter one takes too long."""
    patience: int = 3
    """Number of mixes without a better bound before the next tolerance applies."""
    apart: float = 60.0
    """Price of a MWh that casts draw and the site does not deliver, or vice versa, in multiples of its mean value."""


@dataclass(frozen=True)
class FewHeatsTuning:
    """Search for few heats, all by name over the whole horizon: ``strategies/exact_named.py`` and
    ``search/enumeration.py``. Tuned on 300 random lines of two to six heats with sites."""

    heats: int = 6
    """Number of heats up to which a line is solved as a whole first."""
    terms: int = 1_500_000
    """Number of precedence terms up to which nothing else gives a proof as soon."""
    route_terms: int = 15_000
    """Number of route terms up to which few heats are solved by routes. Tuned on random lines of few heats, with at
    most 12,000 terms, and on days of two and six heats: above, heats by name take 5 s and routes 45 s."""
    small_terms: int = 40_000
    """Number of terms up to which lines of more heats are solved as a whole first: a larger model takes longer to write
    than other strategies take for a plan."""
    most_terms: int = 3_000_000
    """Number of terms above which a model takes too much memory and would not be solved to the end anyway."""
    terms_per_work: int = 60_000
    """Terms per unit of remaining work above which writing the model takes too large a share of it."""
    shares: tuple[float, float] = (0.8, 0.5)
    """Share for the whole; the second value applies while there is no plan, and to few heats with many routes."""
    longest: float = 2.0
    """Work limit for solving a line of more heats as a whole, after which other strategies continue; also the limit for
    the second goal."""
    second_share: float = 0.2
    """Share for the second goal."""
    second_nodes: int = 200
    """Nodes for the second goal."""
    looking_gap: float = 0.2
    """Gap below which the program no longer looks for plans."""
    strict: float = 0.5
    """Share of the requested gap at which the program stops."""
    quick_share: float = 0.03
    """Share for the first plan, near the relaxation of pooled heats."""
    quick_rounding: float = 0.5
    """Rounding of the lags of its averaged heats."""
    enumerated: tuple[int, ...] = (2, 3)
    """Numbers of heats whose plans are all enumerated under demand charges; more heats have too many plans."""
    enumerated_cells: int = 5_000_000
    """Largest product of starts and cells; a larger one takes too much memory."""
    looks: int = 200_000_000
    """Largest number of starts and pairs of starts to check; more take longer than a program."""
    pairs: int = 10_000
    """Number of pairs that are checked together."""
    peak_prices: int = 100
    """Number of random prices of peaks by which starts are excluded."""
    peak_intervals: int = 4
    """Largest number of intervals of a charge that such a price covers."""
    turns: int = 4
    """Number of rounds in which excluded starts raise the minimum cost of the others."""


@dataclass(frozen=True)
class SiteTuning:
    """Search for the use of a site alone: ``strategies/site.py``, ``search/first_goal.py``."""

    long_work: float = 5.0
    """Work of the first goal above which the second one leaves all switches unchanged."""
    patience: float = 2
    """Work limit of the second goal if there are integer decisions, as a multiple of the first goal's work."""
    one_way_rounds: int = 4
    """Rounds that add slots in which a store must not waste a surplus; afterwards this is forbidden in all slots."""
    one_way_work: float = 3.0
    """Work for a plan in which no store wastes energy, if the search is over and its best plan does."""


@dataclass(frozen=True)
class ProcessTuning:
    """Search for a plan of processes: ``heuristics/processes``. Tuned on real weeks of a cement works."""

    small: int = 1500
    """Number of integer columns up to which the whole problem goes to the solver."""
    coarse_min: int = 60
    """Step of the coarser grid [min]."""
    window_h: float = 24.0
    """Length of a window in a plan on hours [h]."""
    window_share: float = 0.1
    """Share of all work that a window may take before fixed switches may move."""
    window_work: float = 2.0
    """Minimum work of a window of the first plan."""
    loose_h: float = 4.0
    """Time by which fixed switches may move if they leave no solution [h]."""
    corridor_h: float = 0.75
    """Time by which a switch may lie before or after that of the plan on hours [h]."""
    corridor_work: float = 20.0
    """Maximum work of a corridor."""
    move_work: float = 4.0
    """Maximum work of a part of the improvement."""
    repair_work: float = 1.0
    """Maximum work of a part on hours when a schedule is repaired."""
    corridor_share: float = 0.4
    """Share of the work that is left for the steps."""
    first_share: float = 0.85
    """Share of a first plan on hours."""
    coarse_share: float = 0.6
    """Share of the plan on hours, including its improvement."""
    baseline_work: float = 5.0
    """Minimum work for the baseline schedule, so that there is at least one plan."""
    near: float = 1.2
    """Multiple of the requested gap below which a plan on hours is good enough."""
    window_gap: float = 0.5
    """Share of the requested gap to which windows are solved. Tuned on weeks of a cement works: a tight gap takes more
    than a minute for a week."""
    corridor_gap: float = 0.1
    """Share of the requested gap to which corridors are solved."""
    part_gap: float = 0.03
    """Share of the requested gap to which parts of the improvement are solved."""
    pause: float = 0.05
    """Work for which one of the two threads waits before it checks the other again."""


LINE, LINE_AND_SITE, FEW_HEATS = LineTuning(), LineAndSiteTuning(), FewHeatsTuning()
SITE, PROCESSES = SiteTuning(), ProcessTuning()
