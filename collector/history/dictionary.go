package history

// dictionary is what most inputs have in common. Changing it makes what was packed
// before unreadable.
var dictionary = []byte("")
