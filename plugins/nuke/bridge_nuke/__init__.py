"""Shotbridge inside Nuke.

``init.py`` and ``menu.py`` next to this package only hold a guarded call of
:mod:`bridge_nuke.startup`. Everything runs on Nuke's main thread and never waits for a network.
"""
