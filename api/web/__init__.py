"""Pages for people: a floor above all rooms. They call services and never decide what a service must decide."""
