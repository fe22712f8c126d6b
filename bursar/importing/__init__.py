"""Importing: a file is read, recognised, mapped and cleaned, then planned and applied.

The way of a file is the way through the rooms: `reading` (bytes to rows), `values` (how cells write
numbers and dates), `recognising` (what the file is and what its columns mean), `cleaning` (rows to
budgets). `choices` has what people confirm on that way. The modules beside the rooms carry an
import through its life: `runs`, `planning`, `applying`, `history`. `repairing` goes on when it is
done.
"""
