//! A1, A2: uploads and malformed requests.
