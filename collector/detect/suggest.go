package detect

import (
	"fmt"
	"iter"
	"regexp"
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

// hint asks whether the closest of some words was meant; empty where none is like it.
func hint(misspelt string, words iter.Seq[string]) string {
	if like := closest(misspelt, words); like != "" {
		return fmt.Sprintf("; did you mean %q?", like)
	}
	return ""
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

var (
	undefinedField = regexp.MustCompile(`^undefined field '([^']+)'`)
	undeclared     = regexp.MustCompile(`^undeclared reference to '([^']+)'`)
	// chainBefore is a name with its fields and indexes at the end of a text.
	chainBefore = regexp.MustCompile(`[A-Za-z_]\w*(?:\[\w*\])?(?:\.\w+(?:\[\w*\])?)*$`)
	index       = regexp.MustCompile(`\[\w*\]`)
)

// meant says what may have been meant where a program names what there is not; empty
// where nothing is like it. column is where in the line the problem stands, from 0.
func (l *language) meant(text string, line, column int, message string) string {
	like := ""
	if m := undefinedField.FindStringSubmatch(message); m != nil {
		like = likeField(before(text, line, column), text, m[1])
	} else if m := undeclared.FindStringSubmatch(message); m != nil {
		like = closest(m[1], l.words())
	}
	if like == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean '%s'?", like)
}

var unknownField = regexp.MustCompile(`unknown field "([^"]+)"`)

// likeNone says what may have been meant by a field of a picture that there is not.
func likeNone(reason string) string {
	m := unknownField.FindStringSubmatch(reason)
	if m == nil {
		return ""
	}
	if like := likeField(".", "", m[1]); like != "" {
		return fmt.Sprintf("; did you mean %q?", like)
	}
	return ""
}

// before is the text of a line up to a column.
func before(text string, line, column int) string {
	lines := strings.Split(text, "\n")
	if line < 1 || line > len(lines) {
		return ""
	}
	runes := []rune(lines[line-1])
	return string(runes[:min(max(column, 0), len(runes))])
}

// likeField looks among the fields of the value before the dot, or among all where it
// cannot tell which that is.
func likeField(before, text, misspelt string) string {
	if chain := chainBefore.FindString(before); chain != "" && fieldsBelow(pathOf(chain, text)) != nil {
		fields := fieldsBelow(pathOf(chain, text))
		return closest(misspelt, func(yield func(string) bool) {
			for i := range fields.Len() {
				if !yield(string(fields.Get(i).Name())) {
					return
				}
			}
		})
	}
	return closest(misspelt, func(yield func(string) bool) {
		for _, f := range Fields() {
			if !yield(f.Path[strings.LastIndex(f.Path, ".")+1:]) {
				return
			}
		}
	})
}

// pathOf is the way from the device to a value. What a loop names is an element of the
// list that it goes through.
func pathOf(chain, text string) []string {
	path := strings.Split(index.ReplaceAllString(chain, ""), ".")
	if path[0] == "device" {
		return path
	}
	loop, err := regexp.Compile(`([\w.]+)\.(?:all|exists|exists_one|filter|map)\(\s*` + regexp.QuoteMeta(path[0]) + `\s*,`)
	if err != nil {
		return path
	}
	if m := loop.FindStringSubmatch(text); m != nil && strings.HasPrefix(m[1], "device.") {
		return append(strings.Split(m[1], "."), path[1:]...)
	}
	return path
}

// words are what programs can call and name.
func (l *language) words() iter.Seq[string] {
	return func(yield func(string) bool) {
		if !yield("device") || !yield("now") {
			return
		}
		for name := range l.env.Functions() {
			if !yield(name) {
				return
			}
		}
		for _, m := range l.env.Macros() {
			if !yield(m.Function()) {
				return
			}
		}
	}
}
