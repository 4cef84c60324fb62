"""Neural networks: catalogue, installation, runtime, upscaling, mattes.

Nothing here reads or writes picture files or uses HTTP. Pictures are ``float32`` arrays of shape
(height, width, channels), row 0 at the top, in scene-referred linear light with Rec.709 primaries:
values above 1 and below 0 are valid and are kept.
"""
