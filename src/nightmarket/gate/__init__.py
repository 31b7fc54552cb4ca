"""The waiting room: who comes in when more come than fit."""
