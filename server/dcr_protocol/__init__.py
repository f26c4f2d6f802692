"""OAuth 2.0 Dynamic Client Registration as code: RFC 7591, RFC 7592, OpenID Registration.

Pure: pydantic and the standard library, no I/O. Server and operator share it.
"""
