"""Programs and functions in C and C++ (and Python programs): built, compared, timed."""
