"""The faces: language server and command line. Holds no knowledge about optimization."""
