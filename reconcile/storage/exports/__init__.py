"""The history as Parquet files: written whole, and read as a replay reads a store."""
