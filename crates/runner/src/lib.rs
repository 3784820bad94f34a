//! The live terminal: a WebSocket on one side, a jailed program on its terminal on the other.
