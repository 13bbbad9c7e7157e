"""What a clone takes along, and the check of its stream; pure."""
