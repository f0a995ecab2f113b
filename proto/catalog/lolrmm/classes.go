package lolrmm

import (
	"bufio"
	_ "embed"
	"regexp"
	"strings"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// classes says what tools are for, since the list does not: whether somebody comes in
// through them, or they are the operator's end, move files, or only report.
//
//go:embed classes.txt
var classes string

var categoryWords = map[string]farmhoundv1.Category{
	"remote-control":       farmhoundv1.Category_CATEGORY_REMOTE_CONTROL,
	"screen-share-control": farmhoundv1.Category_CATEGORY_SCREEN_SHARE_CONTROL,
	"rmm":                  farmhoundv1.Category_CATEGORY_RMM,
	"overlay-network":      farmhoundv1.Category_CATEGORY_OVERLAY_NETWORK,
	"tunnel":               farmhoundv1.Category_CATEGORY_TUNNEL,
	"input-sharing":        farmhoundv1.Category_CATEGORY_INPUT_SHARING,
	"operator-client":      farmhoundv1.Category_CATEGORY_OPERATOR_CLIENT,
	"file-transfer":        farmhoundv1.Category_CATEGORY_FILE_TRANSFER,
	"utility":              farmhoundv1.Category_CATEGORY_UTILITY,
}

// class is what the table says of one tool.
type class struct {
	category farmhoundv1.Category
	id       string // of the entry it belongs to, where that is not its name
}

// readClasses reads the table: category, name, and after = the entry's id.
func readClasses() map[string]class {
	table := map[string]class{}
	lines := bufio.NewScanner(strings.NewReader(classes))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		word, name, _ := strings.Cut(line, " ")
		name, id, _ := strings.Cut(name, " = ")
		table[strings.ToLower(strings.TrimSpace(name))] = class{categoryWords[word], strings.TrimSpace(id)}
	}
	return table
}

var (
	// Words in the name of a tool that the table does not know yet.
	operatorWords = regexp.MustCompile(`(?i)\b(ssh client|viewer|putty|terminal emulator|remote desktop manager|rdp client|vnc client)\b`)
	fileWords     = regexp.MustCompile(`(?i)\b(ftp|sftp|file ?transfer|backup|sync|cloud storage|drive)\b`)
	utilityWords  = regexp.MustCompile(`(?i)\b(screen reader|ping|inventory)\b`)
)

// classOf says what a tool is for, by the table, by its name, or as the list calls it.
func classOf(table map[string]class, t *Tool) class {
	c := table[strings.ToLower(t.Name)]
	if c.category != 0 {
		return c
	}
	switch {
	case operatorWords.MatchString(t.Name):
		c.category = farmhoundv1.Category_CATEGORY_OPERATOR_CLIENT
	case fileWords.MatchString(t.Name):
		c.category = farmhoundv1.Category_CATEGORY_FILE_TRANSFER
	case utilityWords.MatchString(t.Name):
		c.category = farmhoundv1.Category_CATEGORY_UTILITY
	case strings.EqualFold(t.Category, "RAT"):
		c.category = farmhoundv1.Category_CATEGORY_REMOTE_CONTROL
	default:
		c.category = farmhoundv1.Category_CATEGORY_RMM
	}
	return c
}

// letsNobodyIn says of a category that it is no inbound control.
func letsNobodyIn(c farmhoundv1.Category) bool {
	return c == farmhoundv1.Category_CATEGORY_OPERATOR_CLIENT || c == farmhoundv1.Category_CATEGORY_FILE_TRANSFER ||
		c == farmhoundv1.Category_CATEGORY_UTILITY
}
