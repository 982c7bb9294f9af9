"""normative: z-scores against healthy controls."""
