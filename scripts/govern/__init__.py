"""What is collected and why, and checks that the warehouse keeps to it."""
