"""Neural networks and what surrounds them: catalogue, installation, runtime, upscale, matte.

Arrays in, arrays out: nothing here reads or writes pictures or speaks HTTP. Pictures are
``float32`` arrays of shape (height, width, channels), row 0 at the top, in linear light with
Rec.709 primaries, scene-referred: values above 1 and below 0 are legal and survive.
"""
