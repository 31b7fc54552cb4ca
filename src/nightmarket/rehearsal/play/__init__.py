"""The festival as it is played: when shoppers come, who they are and what they want. Pure: a seed gives it all."""
