"""From raw rows and an analysis to budget rows, or to rows that say why not."""
