"""An environmental data sheet of what a plan makes: embedded emissions by product and heat, with the plan's evidence.

It says what the plan changes against its baseline, for each product and for the report of the period.
"""

from __future__ import annotations

from collections.abc import Mapping

from emberline.plans.accounts.ledger import Ledger, ledger
from emberline.plans.compliance.of_products import AVERAGE, product_emissions
from emberline.plans.compliance.reports.table import Document, table
from emberline.plans.plan import Plan


def products_of_plan(plan: Plan, evidence: Mapping[str, str]) -> Document:
    """The data sheet of a plan.

    Args:
        plan: with a schedule.
        evidence: what it rests on by name, such as the run and the hash of its inputs.

    Raises:
        ValueError: the plan has no schedule.
    """
    book = plan.ledger
    if book is None:
        raise ValueError(f"the plan has no schedule: {plan.verdict}")
    scenario, before = plan.scenario, ledger(plan.scenario, plan.baseline)
    caps = scenario.goal.caps.embedded_kg_per_t
    ours, theirs = product_emissions(scenario, book), product_emissions(scenario, before)
    rows = [
        (
            name,
            result.tonnes,
            result.see_direct,
            result.see_indirect,
            result.see_total,
            theirs[name].see_total if name in theirs else None,
            caps[name] / 1000 if name in caps else None,
        )
        for name, result in ours.items()
    ]
    columns = ("product", "mass [t]", "direct [t/t]", "indirect [t/t]", "total [t/t]", "baseline, total [t/t]",
               "cap [t/t]")  # fmt: skip
    note = "The site alone, the grid by its average intensity; bought precursors are not in it."
    sums = [
        (name, mine, theirs_t, mine - theirs_t)
        for name, mine, theirs_t in (
            ("scope 1 [t CO2e]", book.direct_kg / 1000, before.direct_kg / 1000),
            ("scope 2, average [t CO2e]", book.grid[AVERAGE] / 1000, before.grid[AVERAGE] / 1000),
        )
    ]
    tables = (
        table("Products", columns, rows, note),
        table("What the plan changes in the report", ("figure", "plan", "baseline", "difference"), sums),
        table("Heats", ("heat", "order", "grade", "mass [t]", "kg CO2e/t"), _heats(plan, book)),
        table("Evidence", ("what", "value"), list(evidence.items())),
    )
    figures = {
        "products": {
            name: {
                "mass_t": result.tonnes,
                "see_direct": result.see_direct,
                "see_indirect": result.see_indirect,
                "see_total": result.see_total,
                "baseline_see_total": theirs[name].see_total if name in theirs else None,
                "cap": caps[name] / 1000 if name in caps else None,
            }
            for name, result in ours.items()
        },
        "evidence": dict(evidence),
    }
    title = scenario.title or scenario.name
    return Document("Environmental data sheet", f"{title}, {scenario.horizon.start}", tables, (), figures)


def _heats(plan: Plan, book: Ledger) -> list[tuple[str, str, str, float, float]]:
    if not plan.scenario.heats:
        return []
    kg_per_t = book.kg_per_t(AVERAGE)
    per_heat = dict(zip(kg_per_t["heat"].values.tolist(), kg_per_t.values.tolist(), strict=True))
    return [
        (heat.name, heat.order, heat.grade.name, heat.grade.mass_t, per_heat[heat.name]) for heat in plan.scenario.heats
    ]
