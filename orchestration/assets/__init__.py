"""One module per layer of assets, in the order of the flow."""
