"""What may be shown of small groups: suppression of counts and the attack that proves it."""
