"""Inside Blender without its window: makes a file with footage in the sequencer.

``blender --background --python prepare.py -- MOVIE FILE``
"""

import sys

import bpy

movie, file = sys.argv[sys.argv.index("--") + 1 :]
bpy.ops.wm.read_homefile(app_template="Video_Editing")
scene = bpy.context.scene
scene.render.fps = 25
scene.render.resolution_x, scene.render.resolution_y = 640, 360
scene.frame_start, scene.frame_end = 1, 90
editor = scene.sequence_editor_create()
strips = getattr(editor, "strips", None) or editor.sequences
for number, (begin, first) in enumerate(((1, 12), (31, 60), (61, 90)), start=1):
    strip = strips.new_movie(f"BBB_{number:03d}0", movie, channel=2, frame_start=begin - first)
    strip.frame_final_start, strip.frame_final_end = begin, begin + 24
    strip.select = False
scene.frame_current = 8
bpy.context.preferences.view.use_save_prompt = False
bpy.ops.wm.save_userpref()
bpy.ops.wm.save_as_mainfile(filepath=file)
