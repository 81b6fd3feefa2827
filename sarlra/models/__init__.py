"""The networks, their files and cards, and the scores that they give to windows."""
