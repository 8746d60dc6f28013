"""What is installed: the lock files with hashes, and the licence of each package in them."""
