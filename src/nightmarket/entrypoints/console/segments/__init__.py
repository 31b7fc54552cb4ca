"""The console's pages of segments: groups of shoppers by what they bought and when."""
