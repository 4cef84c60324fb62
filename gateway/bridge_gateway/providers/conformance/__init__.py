"""The suite that every provider must pass, for its author to run.

With pytest, in the provider's own tests::

    from bridge_gateway.providers.conformance.pytest_suite import ProviderConformance

    class TestMyProvider(ProviderConformance):
        def make_provider(self):
            return MyProvider(...)

Or, for an installed provider, ``shotbridge-gateway providers check NAME``. :mod:`.cases` has the
cases, :mod:`.tasks` the plates and tasks that they use. Nothing but the pytest class needs pytest.
"""
