"""Stored runs with their accounts, opened once for all pages."""

from __future__ import annotations

import streamlit as st

from emberline.planning.accounts import Ledger, bill
from emberline.reports.text.language import tr
from emberline.reports.text.messages import say
from emberline.runs.store import Store, StoredRun, StoreError
from emberline.ui.pages.result import accounts
from emberline.ui.pages.session import session


@st.cache_resource(max_entries=16, show_spinner=False)
def open_run(run: str) -> StoredRun:
    """A stored run; immutable, hence shared."""
    return Store().open(run)


def in_view() -> StoredRun | None:
    """The stored run in view; None: there is none or it cannot be read, and the page says so."""
    run = session.run()
    if not run:
        st.info(tr("Choose a plan in the header, or make one on the page Plan."))
        return None
    try:
        return open_run(run)
    except StoreError as error:
        st.warning(say(str(error)))
        return None


@st.cache_resource(max_entries=16, show_spinner=False)
def bills_and_ledgers(run: str) -> tuple[tuple[bill.Bill, bill.Bill], tuple[Ledger, Ledger]]:
    """Bills and ledgers of a stored run, for plan and baseline."""
    plan = open_run(run).plan
    return accounts.bills(plan), accounts.ledgers(plan)
