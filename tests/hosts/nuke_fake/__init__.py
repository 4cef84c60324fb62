"""A strict fake of Nuke, which conforms to the stubs of Nuke 13.2 (``types-nuke``).

:class:`~nuke_fake.program.FakeNuke` is one running Nuke. What the real program does not have, by
these stubs and the tables in :mod:`nuke_fake.api` and :mod:`nuke_fake.table`, is refused; what it
has and the fake does not do raises :class:`stubs.NotModelled`. What only a real Nuke can prove is
in ``docs/hosts-unproven.md``.
"""

from nuke_fake.program import FakeNuke

__all__ = ["FakeNuke"]
