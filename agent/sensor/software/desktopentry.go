package software

import (
	"path"
	"strings"
)

// maxEntryFile bounds what is read of one desktop entry, in bytes.
const maxEntryFile = 64 << 10

// desktopEntry is what is read of a file that puts a program into a desktop's menu or
// starts it at logon.
type desktopEntry struct {
	program string // as the file names it: a name, or a path
	off     bool   // hidden or switched off
}

// parseDesktopEntry reads a file of the freedesktop.org's kind.
func parseDesktopEntry(text string) (e desktopEntry) {
	inEntry := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			inEntry = line == "[Desktop Entry]"
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok || !inEntry {
			continue
		}
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		switch {
		case key == "Exec" && e.program == "":
			e.program = programOf(value)
		case key == "Hidden" && value == "true", key == "X-GNOME-Autostart-enabled" && value == "false":
			e.off = true
		}
	}
	return e
}

// programOf takes the program out of a command line: past wrappers that start others,
// variables and options of theirs.
func programOf(command string) string {
	for {
		word, rest := firstWord(command)
		switch base := path.Base(word); {
		case word == "":
			return ""
		case base == "env" || base == "nohup" || base == "setsid" || base == "exec" || base == "sudo" || base == "pkexec",
			strings.HasPrefix(word, "-"), strings.Contains(word, "=") && !strings.Contains(word, "/"):
			command = rest
		case (base == "sh" || base == "bash") && strings.HasPrefix(strings.TrimSpace(rest), "-c"):
			command, _ = firstWord(strings.TrimPrefix(strings.TrimSpace(rest), "-c"))
		default:
			return word
		}
	}
}

// firstWord takes a word off a command line; quotes hold one together.
func firstWord(command string) (word, rest string) {
	command = strings.TrimLeft(command, " \t")
	if command == "" {
		return "", ""
	}
	if quote := command[0]; quote == '"' || quote == '\'' {
		if end := strings.IndexByte(command[1:], quote); end >= 0 {
			return command[1 : 1+end], command[2+end:]
		}
	}
	word, rest, _ = strings.Cut(command, " ")
	return word, rest
}
