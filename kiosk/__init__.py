"""What the terminal does: services, prompts, records, receipts. No widget, no driver library."""
