"""The demo programme: one house, two rooms, twelve silent films, a rolling week. Facts are real, the house is not."""
