"""Files that come in and go out: uploads, proposed column maps, dry runs, imports under way, exports."""
