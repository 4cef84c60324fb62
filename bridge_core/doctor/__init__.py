"""``shotbridge doctor``: checks an installation and says how to solve each problem.

::

    results = bridge_core.doctor.runner.run_checks(load, open_client)

Hosts are searched in their usual folders and never started. No result contains a secret.
"""
