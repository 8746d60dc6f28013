"""Everything that moves money: one interface, Stripe and the demo behind it."""
