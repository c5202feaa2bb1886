"""The folds: events to row changes to dossiers. Live views and replay share them."""
