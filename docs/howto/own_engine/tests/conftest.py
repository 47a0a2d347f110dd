pytest_plugins = ['aiida.tools.pytest_fixtures']  # a profile for the tests
