"""What every request passes on its way to a view, one file each; ``stack`` puts them in their order."""
