"""The pages as an ASGI app, its guards, limits and sign-in."""
