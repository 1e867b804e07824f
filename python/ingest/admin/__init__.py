"""The admin process: what people and machines look at, and the making of projects."""
