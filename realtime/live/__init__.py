"""The live map: hub, rooms, viewers and the frames sent to them."""
