"""Credit to look at: one HTML file of trajectories and what each method gave them."""

from rl_credit.analysis.viewer.comparison import compare, credit, trajectories
from rl_credit.analysis.viewer.document import Page, page
from rl_credit.analysis.viewer.shown import Step, Trajectory

__all__ = ["Page", "Step", "Trajectory", "compare", "credit", "page", "trajectories"]
