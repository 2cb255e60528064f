"""Settings of each search, in one record: how far it looks, what it gives its parts, when it goes on.

Shares are of the work that is left, unless a field says of what; work is counted in units of ``scenarios/effort.py``.
Fields were chosen by hand and hold what worked on the bundled scenarios; a field that was compared with other values
says on what (``docs/design`` has the figures). Constants of physics, of solvers' tolerances and of formats stand where
they are used, as do rates by which work is counted.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LineTuning:
    """The search for heats of a line: pooled plans, named heats around them, casts renewed, and the bound."""

    # strategies/whole_horizon.py, heuristics/line/aggregate_first.py
    beginnings: tuple[float | None, ...] = (0.0, 0.5, 0.99, None)
    """Rounding of lags of averaged heats: to the nearest slot, up, down; None: heats as they are. Each leads to
    another plan."""
    opening_shares: tuple[float, float] = (0.35, 0.5)
    """Share for plans where heats by name over the whole horizon follow; the second where there is no plan yet."""
    surroundings: tuple[tuple[int, int], ...] = ((0, 0), (1, 0), (1, 1), (2, 4))
    """Distances of a pooled plan from its relaxation, closest first: counts, and slots around casts with weight."""
    long_slots: int = 200
    """More slots than these: the interior-point method is quicker for a first relaxation, and prices on units prove
    something long before the pooled relaxation has its root."""
    pooled_stall: float = 0.7
    """Work without a better pooled plan after which it is taken."""
    pooled_share: float = 0.4
    """Share that one pooled plan may take."""
    pooled_same: float = 5e-4
    """Difference, as a share, below which two pooled plans count as the same."""

    # heuristics/line/neighbourhoods.py
    naming_slots: int = 2
    """By how many slots leading starts and casts may leave the pooled plan, and then the plan that uses units twice."""
    naming_rounds: int = 10
    """Repeated solves of a plan that uses units twice, each time with that priced higher."""
    naming_patience: int = 2
    """Rounds in which the double use may stay as it is."""
    naming_work: float = 4.0
    """Work of one naming while others are left to try."""
    naming_relaxations: int = 5
    """A naming may take so many times as long as its relaxation."""
    overlap: float = 0.004
    """Initial price of a slot of double use, as a share of what the line's energy is worth."""
    overlap_firm: int = 32
    """Factor on that price where double use must go at once."""
    overlap_few: int = 8
    """Slots of double use that are few: then it is tried at once to get rid of them, every heat moved by a slot."""
    step_work: float = 3.0
    """Work of one step of improvement."""

    # heuristics/line/coarse_grid.py
    coarse_min: float = 15.0
    """Step of the coarser grid [min] on which a finer one begins."""
    coarse_share: float = 0.2
    """Share for the plan on the coarser grid."""
    coarse_most: float = 0.5
    """The same where there is none by then."""
    coarse_renewal_share: float = 0.35
    """Share for casts of the baseline put back another way, where the coarser grid leads to nothing."""

    # heuristics/line/neighbourhoods.py, strategies/whole_horizon.py
    widths: tuple[int, ...] = (4, 10, 20, 40)
    """Slots by which heats may move in a step of improvement: wider when no step helps any more."""
    exchange_h: float = 24.0
    """Hours within which casts change places."""
    shake_seed: int = 20
    """Of the heats that are planned again, chosen by chance."""
    shake_failures: int = 8
    """So many tries without a better plan, and more is planned again at a time."""

    # heuristics/line/minimum_cut_retiming.py
    cut_nodes: tuple[int, int] = (60_000, 6_000)
    """Most starts by slot in a cut, and in that of a longer line. Tuned on 168 to 700 heats: a week of 168 has 40,000,
    and four times as many take twenty times as long; several small cuts then bring more."""
    cut_tries: int = 16
    """Cuts until the import limit is kept."""
    cut_dearer: float = 0.1
    """Price that a MWh above the limit adds to its interval, as a share of the mean worth of a MWh."""
    cut_least_over_mwh: float = 0.25
    """Less than this above the limit counts as so much [MWh]."""
    cut_growth: float = 1.6
    """Factor by which that price grows as long as the interval breaks the limit."""
    cut_fading: float = 0.9
    """Factor by which such prices fall from one plan to the next."""

    # heuristics/line/ruin_and_recreate.py: tuned on real weeks of 168 heats
    renewal_places: int = 3
    """Places that are tried for a cast."""
    renewal_loose: float = 0.5
    """Share of moves that put casts back at places nearly as good as the best."""
    renewal_noise: float = 0.01
    """Loss against the best place up to which another is nearly as good, as a share of the cost."""
    renewal_shifts: int = 64
    """Shifts of casts that are tried at once. Tuned on weeks of 168 heats: they end at 2.0 instead of 1.7 % where
    nothing is put back."""
    renewal_put_back: int = 32
    """Casts put back one by one: moves that are tried at once after each such round."""
    renewal_warmth: float = 0.4
    """Loss that is taken with a chance of 1/e at the start, in standard deviations of what moves that fit change."""
    renewal_cooling: int = 4
    """Power by which that falls with the share of the rounds that is left."""
    renewal_retimed: int = 40
    """Rounds after which all starts get their best times."""
    renewal_near_min: float = 960
    """By how much starts may change then [min]."""
    renewal_far_min: float = 2880
    """The same at the beginning [min]."""
    renewal_far_gain: float = 1e-3
    """Gain at the beginning, as a share, for which they may once more."""
    renewal_failures: int = 3
    """As often in a row may the import limit stand in the way of all times then."""
    renewal_listened: int = 15
    """Rounds that take no loss and then tell the standard deviation."""
    renewal_pace: float = 4e6
    """Calls for a heat and slot for each unit of work, by which the rounds of a run are counted."""
    renewal_counted: float = 0.6
    """Work of a round, as a share of what it takes at that pace. Fitted to the seconds of bundled scenarios."""
    renewal_cap_share: float = 0.02
    """Weight of a cap next to the goal's where the place of a cast is selected, as a share of it."""
    renewal_limit: float = 50.0
    """Factor on the price of a MWh above the import limit. Tuned on weeks of 168 heats: at a low price a plan broke the
    limit by 0.13 MWh for thousands of moves."""
    renewal_broken: float = 3.0
    """Additional price of a broken cap."""
    renewal_report: float = 1.0
    """Work between plans that are reported."""

    # heuristics/line/batch_moves.py
    move_casts: int = 4
    """Casts that are taken out together at most."""
    move_reach_min: float = 60
    """By how much casts are shifted at most [min]."""
    move_later: float = 0.7
    """Share of casts that are shifted in such a move."""
    move_other_caster: float = 0.15
    """Share of them that may change their caster."""
    move_exchanged: float = 0.3
    """Share of moves in which two casts change places."""
    move_near_min: float = 240
    """Casts near in time: by how much more than others the one taken out may be away [min]."""
    move_elsewhere: float = 0.2
    """Share of moves with a cast from anywhere."""
    move_needed_min: float = 20
    """Standard deviation of the times by which heats are put in order [min]."""
    move_forward: float = 0.1
    """Share of shifts after which the heats needed first are placed first."""

    # strategies/due_date_groups.py
    long_heats: int = 40
    """More heats than these are a long horizon: planned order by order, the root of its pooled bound alone solved."""
    group_heats: int = 24
    """Heats that are planned together at most, unless one order has more."""
    group_renewal_share: float = 0.25
    """Share for taking casts out and putting them back before groups are planned."""
    group_work: float = 5.0
    """Work that a group is given at least."""
    group_gain: float = 1e-3
    """Gain, as a share of the plan, for which all groups are planned once more."""
    group_reach_h: float = 12.0
    """Hours by which heats of a group may leave the time in which the best plan has the group."""

    # strategies/corridors.py: tuned on the published melt shop of 8 to 24 heats
    counts_widths: tuple[int, ...] = (3, 6, 10)
    """Slots of the corridors around a pooled plan, one after the other."""
    counts_wide: int = 8
    """Slots of a corridor around a plan that was made for another aim."""
    counts_share: float = 0.1
    """Share for each corridor and for the pooled bound: most is for the whole."""
    counts_pooled_shares: tuple[float, float] = (0.15, 0.35)
    """Shares for the pooled plan, the second where the first was too short for any, and for a corridor while there is
    no plan."""
    counts_whole_share: float = 0.5
    """Share for the whole, where heats by name may be solved after it."""
    counts_begin_share: float = 0.15
    """Share for a first plan, where none is given."""
    counts_rounds: int = 12
    """Corridors from a given plan to where the aim wants it."""
    counts_near: float = 5e-4
    """Gap at which a corridor is done with, and gain below which wider ones are left out."""

    # bounds/branch_and_bound.py, bounds/column_generation.py, bounds/column_generation.py
    root_share: float = 0.05
    """Share that the root may take where the bound of a long horizon is branched on."""
    settled_slots: float = 0.5
    """Mean distance from the mean start, in slots, below which a cast is settled in time."""
    columns: int = 3000
    """Columns that are kept."""
    columns_share: float = 0.7
    """Share of them that stays when there are more."""
    stretch_min: float = 360
    """In each stretch of so many minutes the best cast of each kind on each caster becomes a column."""
    smoothing: float = 0.5
    """Weight of the best prices so far in the next ones. Tuned on weeks of 168 heats: prices for every slot from the
    beginning, not smoothed, take 100 s to what these prove in 7."""
    tolerances: tuple[float, ...] = (1e-2, 1e-3, 1e-4, 1e-6)
    """Of the linear program: the next one where it brings no new cast. Tuned on weeks of 168 heats: loose to the end,
    it brings none."""
    close: float = 5e-4
    """Distance between mix and bound, as a share, at which blocks are made shorter."""
    over_cap: float = 5.0
    """Price of a broken cap in the linear program: a multiple of what it is worth to the goal."""
    overuse: float = 40.0
    """Price of a unit used beyond capacity in a slot, as MWh of mean worth: far above any other price."""

    # bounds/exact_times.py
    exact_slots: int = 500
    """On more slots no relaxation in exact times is solved: whether each heat and cast has a place is all that is
    looked at."""
    exact_work: float = 10.0
    """Work of a proof that no plan exists at any times."""
    exact_least: float = 1.0
    """The same where the work of the search is over."""
    exact_root_share: float = 0.1
    """Share of it that the relaxation may take where whole numbers follow: a slow one takes all there is, and the whole
    program takes many times as much, of which the solver counts little."""


@dataclass(frozen=True)
class SiteView:
    """View of a site that decides in a run of renewal."""

    level: float
    """MW by which the level lies below what the best plan's site can take off the peak."""
    spread: int
    """Metered intervals over which the demand charge is thought to be spread."""
    shared: bool
    """Whether the price of energy is half that of the bound's multipliers, where there are any."""


@dataclass(frozen=True)
class LineAndSiteTuning:
    """The search for heats together with a site that decides: ``heuristics/line/ruin_and_recreate.py`` and the joint
    bound, ``bounds/joint_prices.py``."""

    share: float = 0.7
    """Share for renewing casts under a site on a long horizon, where groups gain little."""
    peak_share: float = 0.4
    """The same on a shorter horizon, where the goal pays for peaks."""
    views: tuple[SiteView, ...] = (
        SiteView(0, 60, False), SiteView(2, 24, False), SiteView(4, 24, True), SiteView(0, 24, False),
    )  # fmt: skip
    """In turn, each from the plan that the one before it ended with, the first from the best one. Tuned on real weeks
    of ``melt-shop-site``: a charge spread over a dozen intervals makes energy dearer by more than the peak saves, and
    the bound's prices alone are level over all cheap hours."""
    level_drop: float = 0.1
    """Share of the best plan's peak by which the next level lies below it, where what is billed in any case is not
    more."""
    run_work: float = 12.0
    """Work of a run."""
    run_least: float = 3.0
    """The same at least."""
    settle_work: float = 15.0
    """Work after a cancellation, for what the site can really do in the best plan."""
    tolerances: tuple[float, ...] = (1e-2, 1e-3)
    """Of the linear program of the joint bound. Tuned on ``melt-shop-site``: it takes too long to a closer one."""
    patience: int = 3
    """Mixes without a better bound."""
    apart: float = 60.0
    """Price of a MWh that casts draw and the site does not deliver, or the other way round, by its mean worth."""


@dataclass(frozen=True)
class FewHeatsTuning:
    """The search for few heats, all by name over the whole horizon: ``strategies/exact_named.py`` and
    ``search/enumeration.py``. Tuned on 300 random lines of two to six heats with sites."""

    heats: int = 6
    """A line of so few heats is solved as a whole before all else."""
    terms: int = 1_500_000
    """Up to so many terms of precedence: nothing else comes to a proof as soon."""
    route_terms: int = 15_000
    """Few heats are solved by their routes up to so many terms of those. Tuned on random lines of few heats, which have
    12,000 at most, and on days of two and six heats: above, heats by name end after 5 s where routes take 45."""
    small_terms: int = 40_000
    """Lines of more heats and fewer terms than these are solved as a whole before all else: more take longer to write
    than a plan by other strategies does."""
    most_terms: int = 3_000_000
    """More take too much memory, and are not solved to their end anyway."""
    terms_per_work: int = 60_000
    """Terms for each unit of work that is left: more take too large a share of it to be written."""
    shares: tuple[float, float] = (0.8, 0.5)
    """Share for the whole; the second where there is no plan yet, and for few heats of many routes."""
    longest: float = 2.0
    """Work within which the whole of more heats is proven, or other strategies prove it sooner or prepare; a second
    goal is worth no more either."""
    second_share: float = 0.2
    """Share for the second goal."""
    second_nodes: int = 200
    """Nodes for the second goal."""
    looking_gap: float = 0.2
    """Gap below which the program leaves the looking for plans out."""
    strict: float = 0.5
    """Share of the gap asked for at which the program ends."""
    quick_share: float = 0.03
    """Share for the first plan, near the relaxation of pooled heats."""
    quick_rounding: float = 0.5
    """Rounding of lags of its averaged heats."""
    enumerated: tuple[int, ...] = (2, 3)
    """Heats whose plans are all tried under demand charges: more have too many."""
    enumerated_cells: int = 5_000_000
    """Starts times cells: more take too much memory."""
    looks: int = 200_000_000
    """Starts and pairs of them that are looked at; more take longer than a program does."""
    pairs: int = 10_000
    """Pairs that are looked at together."""
    peak_prices: int = 100
    """Random prices of peaks, by which starts are left out."""
    peak_intervals: int = 4
    """Each lies on so many intervals of a charge at most."""
    turns: int = 4
    """Starts that are left out raise what the others cost at least, so often."""


@dataclass(frozen=True)
class SiteTuning:
    """The search for the use of a site alone: ``strategies/site.py``, ``search/first_goal.py``."""

    long_work: float = 5.0
    """Work of the first goal from which on the second one leaves all switches as they are."""
    patience: float = 2
    """Multiple of the first goal's work that the second may take, where whole numbers are decided."""
    one_way_rounds: int = 4
    """Rounds that add slots in which a store must not burn a surplus; then it is forbidden in all."""
    one_way_work: float = 3.0
    """Work for a plan in which no store burns, where the search is over and the best one that was found burns."""


@dataclass(frozen=True)
class ProcessTuning:
    """The search for a plan of processes: ``heuristics/processes``. Tuned on real weeks of a cement works."""

    small: int = 1500
    """Whole numbers up to which the whole problem goes to the solver."""
    coarse_min: int = 60
    """Step of the coarser grid [min]."""
    window_h: float = 24.0
    """Length of a window of hours [h]."""
    window_share: float = 0.1
    """Share of all work that a window may take before decided switches may move."""
    window_work: float = 2.0
    """Work of a window of the first plan at least."""
    loose_h: float = 4.0
    """By how much decided switches may move where they leave no way on [h]."""
    corridor_h: float = 0.75
    """By how much a switch may lie before or after that of the hours [h]."""
    corridor_work: float = 20.0
    """Work of a corridor at most."""
    move_work: float = 4.0
    """Work of a part of the improvement at most."""
    repair_work: float = 1.0
    """The same on hours, around a schedule that is followed."""
    corridor_share: float = 0.4
    """Share of its work that is left for the steps."""
    first_share: float = 0.85
    """Share that a first plan on hours may take."""
    coarse_share: float = 0.6
    """Share of the hours with what improves them."""
    baseline_work: float = 5.0
    """Work for the baseline schedule, whatever the limit: there is one plan at least."""
    near: float = 1.2
    """Share of the gap asked for from which on a plan on hours is good enough."""
    window_gap: float = 0.5
    """Share of the gap asked for to which windows are solved. Tuned on weeks of a cement works: a tight gap takes more
    than a minute for a week."""
    corridor_gap: float = 0.1
    """The same of corridors."""
    part_gap: float = 0.03
    """The same of a part of the improvement."""
    pause: float = 0.05
    """Work for which one of the two threads waits before it looks at the other again."""


LINE, LINE_AND_SITE, FEW_HEATS = LineTuning(), LineAndSiteTuning(), FewHeatsTuning()
SITE, PROCESSES = SiteTuning(), ProcessTuning()
