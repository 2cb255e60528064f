"""Accounts: carbon ledger, bill, stock, and their allocation to heats and products."""
