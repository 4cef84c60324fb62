"""The panel: one widget, wide or narrow, that every host and the standalone window embed."""
