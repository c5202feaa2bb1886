"""The sandbox, held against Codat's documents, files and own SDKs."""
