"""The live map: hub, rooms, viewers and what they are told."""
