"""What the structure must keep; each guard fails on a planted violation.

Imports, and what exists once such as the `Signal` and the call of `group_send` (`test_imports`); the one writer of seat
rows (`test_seat_writers`); private names of other libraries (`test_private_names`); sizes (`test_sizes`); retired words
(`test_words`).
"""
