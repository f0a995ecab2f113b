// Package proto holds the text of the contract, for programs that explain its fields to
// people: what a field means stands in the comment above it and nowhere else.
//
// It may import nothing of this module.
package proto

import (
	"bufio"
	"bytes"
	"embed"
	"io/fs"
	"regexp"
	"strings"
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"
)

//go:embed farmhound/fleet/v1/*.proto farmhound/v1/*.proto
var text embed.FS

// Meaning returns the comment above a message or a field, in one line; empty where
// there is none.
func Meaning(name protoreflect.FullName) string { return meanings()[name] }

var meanings = sync.OnceValue(func() map[protoreflect.FullName]string {
	all := make(map[protoreflect.FullName]string)
	files, err := fs.Glob(text, "farmhound/*/v1/*.proto")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	more, err := fs.Glob(text, "farmhound/v1/*.proto")
	if err != nil {
		panic(err)
	}
	for _, name := range append(files, more...) {
		content, err := text.ReadFile(name)
		if err != nil {
			panic(err) // it was embedded
		}
		collect(content, all)
	}
	return all
})

var (
	packageLine = regexp.MustCompile(`^package ([\w.]+);`)
	openLine    = regexp.MustCompile(`^(?:message|enum|service) (\w+) \{`)
	fieldLine   = regexp.MustCompile(`^(?:(?:optional|repeated) )?[\w.]+ (\w+) = \d+`)
)

// collect reads comments out of one file. It knows the form that the contract's own
// linter keeps: one declaration a line, comments above them.
func collect(content []byte, all map[protoreflect.FullName]string) {
	var scope []string // package, then messages from the outside in
	var comment []string
	take := func(name string) {
		all[protoreflect.FullName(strings.Join(append(scope, name), "."))] = strings.Join(comment, " ")
		comment = nil
	}
	for lines := bufio.NewScanner(bytes.NewReader(content)); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if words, ok := strings.CutPrefix(line, "//"); ok {
			comment = append(comment, strings.TrimSpace(words))
			continue
		}
		switch m := openLine.FindStringSubmatch(line); {
		case m != nil:
			take(m[1])
			if !strings.HasSuffix(line, "}") {
				scope = append(scope, m[1])
			}
		case packageLine.MatchString(line):
			scope = []string{packageLine.FindStringSubmatch(line)[1]}
		case line == "}" && len(scope) > 1:
			scope = scope[:len(scope)-1]
		case fieldLine.MatchString(line) && len(scope) > 1:
			take(fieldLine.FindStringSubmatch(line)[1])
		}
		comment = nil
	}
}
