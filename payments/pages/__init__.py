"""The pages and the API of paying and cancelling."""
