"""What benchmarks and tests share: servers as processes, HTTP sessions, database rows, tables of figures."""
