"""What touches servers: one seam to SSH, shell scripts, and the runners that order them."""
