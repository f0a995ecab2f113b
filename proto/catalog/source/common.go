package source

import (
	_ "embed"
	"slices"
	"sort"
	"strings"
	"sync"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// commonText lists names that ordinary computers carry, one per line: "process
// systemd", "service cron".
//
//go:embed common.txt
var commonText string

var commonOnce = sync.OnceValue(func() *commonList { return parseCommon(commonText) })

// commonList finds names by kind.
type commonList struct {
	names map[string][]string // sorted
}

func parseCommon(text string) *commonList {
	l := &commonList{names: map[string][]string{}}
	for line := range strings.Lines(text) {
		kind, name, found := strings.Cut(strings.TrimSpace(line), " ")
		if found && !strings.HasPrefix(kind, "#") {
			l.names[kind] = append(l.names[kind], name)
		}
	}
	for _, names := range l.names {
		slices.Sort(names)
	}
	return l
}

// linuxComm is how much of a program's name Linux keeps.
const linuxComm = 15

// holds reports whether a value, or one that its wildcard covers, is common. What Linux
// cuts to the same name is the same.
func (l *commonList) holds(kind, value string) bool {
	names := l.names[kind]
	beginning, wild := strings.CutSuffix(value, "*")
	i := sort.SearchStrings(names, beginning)
	if i < len(names) && (names[i] == value || wild && strings.HasPrefix(names[i], beginning)) {
		return true
	}
	if kind == "process" && len(value) > linuxComm {
		_, found := slices.BinarySearch(names, value[:linuxComm])
		return found
	}
	return false
}

// TooCommon says why a fact may not be more than weak: ordinary computers have it, or
// its name is that of a role. It is empty for a fact that may.
func TooCommon(f *farmhoundv1.Fact) string { return tooCommon(f, commonOnce()) }
