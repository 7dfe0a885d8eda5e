"""The embedded model: weights, model card and the recipe that trains it."""
