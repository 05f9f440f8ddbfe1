"""A bank's own tests with the pytest plugin: what a test engineer writes. Run them with

    cd examples/bank_tests && pytest -n auto

They need nothing but `pip install 'signerd[testing]' pytest-xdist`.
"""
