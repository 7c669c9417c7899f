"""Verification of a journal: records, ledger, protection, report."""
