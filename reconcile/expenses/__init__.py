"""Expenses as a host's files hold them: read and checked whole, before any is sent."""

from reconcile.expenses.files import Expenses, Problem, read_csv, read_json
from reconcile.expenses.rows import COLUMNS
from reconcile.expenses.rules import Dialect

__all__ = ["COLUMNS", "Dialect", "Expenses", "Problem", "read_csv", "read_json"]
