"""The wire contract between a terminal and the central server.

Every message is JSON over HTTPS, signed by the terminal (RFC 9421, `sync.wire.base`). `doors` is
the one table of what may be asked; the other modules hold the messages, one room each. What a
business sends and asks stands in `sync.kinds`.
"""
