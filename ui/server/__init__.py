"""The pages as an ASGI app, with its guards, limits and sign-in."""
