"""The sandbox, held against Codat's OpenAPI files where they are at hand."""
