package footprint

// sleeper is a program that waits at its input, which is kept open.
var sleeper = []string{"cmd", "/c", "pause"}
