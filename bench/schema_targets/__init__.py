"""What engines make of schemas: the engines themselves, asked for one text after the other."""
