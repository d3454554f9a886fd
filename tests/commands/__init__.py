"""Every command of `kioskctl` on this machine, as a technician gives it."""
