"""What benchmarks and tests share: real servers as processes, and rows to work with."""
