"""The version, in one place that setup.cfg can read without importing the rest."""

VERSION = "0.1.0"
