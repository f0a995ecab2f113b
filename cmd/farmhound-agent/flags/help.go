package flags

import (
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
)

const (
	width       = 80
	flagColumn  = 35
	flagsMargin = 2
)

// Explained is a command with more to say than its line.
type Explained interface{ Help() string }

// Help writes the help of a command, or of the whole for an empty name.
func (p *Parser) Help(w io.Writer, name string) error {
	var out strings.Builder
	at := slices.IndexFunc(p.commands, func(c *command) bool { return c.name == name })
	if at < 0 {
		fmt.Fprintf(&out, "Usage: %s <command> [flags]\n\n%s\n\nFlags:\n", p.name, p.purpose)
		p.writeFlags(&out, p.flags)
		p.writeCommands(&out)
		fmt.Fprintf(&out, "\nRun \"%s <command> --help\" for more information on a command.\n", p.name)
	} else {
		c := p.commands[at]
		fmt.Fprintf(&out, "Usage: %s %s [flags]\n\n%s\n", p.name, c.name, c.help)
		if more, ok := c.field.Interface().(Explained); ok {
			out.WriteByte('\n')
			for _, line := range wrap(more.Help(), width) {
				fmt.Fprintln(&out, line)
			}
		}
		out.WriteString("\nFlags:\n")
		p.writeFlags(&out, p.flags)
		if len(c.flags) > 0 {
			out.WriteByte('\n')
			p.writeFlags(&out, c.flags)
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func (p *Parser) writeFlags(out *strings.Builder, flags []*flag) {
	if len(flags) > 0 && len(p.flags) > 0 && flags[0] == p.flags[0] {
		columns(out, flagsMargin, flagColumn, "-h, --help", "Show this help.")
	}
	for _, f := range flags {
		left := "    --" + f.name
		if f.short != 0 {
			left = "-" + string(f.short) + ", --" + f.name
		}
		if f.field.Kind() != reflect.Bool {
			left += "=" + f.placeholder
		}
		columns(out, flagsMargin, flagColumn, left, f.help)
	}
}

func (p *Parser) writeCommands(out *strings.Builder) {
	longest := 0
	for _, c := range p.commands {
		longest = max(longest, len(c.name))
	}
	out.WriteString("\nCommands:\n")
	for _, c := range p.commands {
		if !c.hidden {
			columns(out, flagsMargin, longest+flagsMargin+2, c.name, c.help)
		}
	}
}

// columns writes a name and, from a column on, what it is for.
func columns(out *strings.Builder, margin, column int, name, text string) {
	left := strings.Repeat(" ", margin) + name
	if len(left)+1 > column {
		fmt.Fprintln(out, left)
		left = ""
	}
	for _, line := range wrap(text, width-column) {
		fmt.Fprintf(out, "%-*s%s\n", column, left, line)
		left = ""
	}
}

// wrap breaks a text into lines of at most so many bytes, between words.
func wrap(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case len(line)+1+len(word) > width:
			lines = append(lines, line)
			line = word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}
