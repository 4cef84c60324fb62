"""What the rules of a studio will decide by: who makes a call (:mod:`.principal`), and what jobs
reserve and cost (:mod:`.ledger`). There are no rules, consent or budgets yet; they belong here."""
