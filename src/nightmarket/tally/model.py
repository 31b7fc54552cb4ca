"""The rule of tallies: `0 <= held + spent <= capacity`, claims all or nothing, in order of arrival. Pure."""
