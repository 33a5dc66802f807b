"""What is solved: the layout of the unknowns and the residuals of the models."""
