"""Shotbridge beside DaVinci Resolve: a companion window that works on Resolve's open timeline."""
