"""Shotbridge inside Nuke: what is selected, what is rendered, what comes back.

``init.py`` and ``menu.py`` beside this package hold a guarded call of :mod:`bridge_nuke.start` and
nothing else. All of it runs on Nuke's main thread; nothing here waits for a network.
"""
