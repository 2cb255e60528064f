"""Stored runs with their accounts, opened once for all pages."""

from __future__ import annotations

import streamlit as st

from emberline.plans.accounts import Ledger, bill
from emberline.plans.store import Store, StoredRun
from emberline.ui.pages.result import accounts


@st.cache_resource(max_entries=16, show_spinner=False)
def open_run(run: str) -> StoredRun:
    """A stored run; immutable, hence shared."""
    return Store().open(run)


@st.cache_resource(max_entries=16, show_spinner=False)
def bills_and_ledgers(run: str) -> tuple[tuple[bill.Bill, bill.Bill], tuple[Ledger, Ledger]]:
    """Bills and ledgers of a stored run, for plan and baseline."""
    plan = open_run(run).plan
    return accounts.bills(plan), accounts.ledgers(plan)
