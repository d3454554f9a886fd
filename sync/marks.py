"""Files in the state directory by which the agent and the screen program speak with each other.

Standard library only: the screen imports it before home is shown.
"""

from __future__ import annotations

#: Folder of what the agent asks of the screen (`sync.effects`).
WANTED = "wanted"

#: There: this terminal is out of use. It sends nothing, takes nothing and serves nobody.
RETIRED_FILE = "retired"

#: The service that stands for all of them in `DesiredState.closed_services`.
EVERYTHING = "*"
