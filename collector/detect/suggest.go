package detect

import (
	"iter"
	"strings"
)

// farthest is how many letters a word may be off and still be meant, at most a third of it.
const farthest = 3

// closest returns the word that is most like a misspelt one, empty where none is like it.
func closest(misspelt string, words iter.Seq[string]) string {
	best, least := "", min(farthest, len(misspelt)/3)+1
	for word := range words {
		d := distance(strings.ToLower(misspelt), word)
		if d < least || d == least && best != "" && word < best {
			best, least = word, d
		}
	}
	return best
}

// distance counts the letters that have to be changed, added, dropped or swapped with
// their neighbour to make one word of another.
func distance(a, b string) int {
	var before, row []int
	next := make([]int, len(b)+1)
	for j := range next {
		next[j] = j
	}
	for i := range len(a) {
		before, row, next = row, next, make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next[j+1] = min(row[j]+cost, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
	}
	return next[len(b)]
}
