"""A strict fake of Nuke, which conforms to the stubs of Nuke 13.2 (``types-nuke``).

:class:`~nuke_fake.program.FakeNuke` is a running Nuke. Whatever the real program does not have,
according to these stubs and the tables in :mod:`nuke_fake.api` and :mod:`nuke_fake.node_classes`,
is refused. Functions that exist but are not modelled raise :class:`stubs.NotModelledError`. What
only a real Nuke can confirm is listed in ``docs/hosts-unproven.md``.
"""

from nuke_fake.program import FakeNuke

__all__ = ["FakeNuke"]
