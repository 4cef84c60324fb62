"""``shotbridge doctor``: looks an installation over; each line says what to do.

::

    lines = bridge_core.doctor.runner.examine(loaded, client)

Hosts are looked for where they usually lie; none is ever started. No line holds a secret.
"""
