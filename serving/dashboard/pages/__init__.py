"""One module per page; :mod:`serving.dashboard.app` lists them."""
