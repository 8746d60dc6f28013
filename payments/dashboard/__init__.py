"""The analytics dashboard: figures of sales and occupancy."""
