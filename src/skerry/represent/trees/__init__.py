"""Decision trees of Galaxy Zoo as data, and the votes on them."""
