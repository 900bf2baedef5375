"""The pages: what marketers and managers look at in a browser."""
