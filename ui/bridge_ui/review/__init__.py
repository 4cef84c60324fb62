"""Review: play a version beside its plate, compare, draw, write notes, decide.

:mod:`~bridge_ui.review.controller` holds the state, without Qt. The viewer shows frames of any
:class:`~bridge_ui.review.player.frame_sources.FrameSource` and reports user input by signals;
:mod:`~bridge_ui.review.review_widget` connects the two.
"""
