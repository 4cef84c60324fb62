"""The review room: play a version beside its plate, compare, draw, write notes, decide.

``room`` puts the parts together and speaks to the rest of the panel by signals only. Pictures come
from a :class:`~bridge_ui.review.player.frame_source.FrameSource`; whoever has one can be looked at.
"""
