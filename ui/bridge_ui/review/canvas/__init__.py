"""The canvas: the picture under review, with comparison, strokes and captions."""
