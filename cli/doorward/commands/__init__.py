"""One module a command: its options, its help, and the order in which things are done."""
