// Package flags reads a command line into a struct whose tags describe it, and writes
// the help from the same tags.
//
//	cmd:""         the field is a command, by its name in lower case; a struct of its flags
//	embed:""       the field's own fields are flags here
//	help:"…"       what it is for; ${name} stands for a word that the caller gives
//	short:"o"      one letter for a flag
//	default:"5s"   the value of a flag that is not given
//	enum:"a,b"     the values that a flag takes
//	type:"existingdir"  the flag's value must be a folder
//	placeholder:"FILE"  what stands for the value in the help
//	hidden:""      a command that the help does not name
//
// A flag is a string, a *string (nil when it was not given), a bool or a duration.
//
// It is here for the size of the agent: a library that calls methods by names it computes,
// as those for command lines do, makes the linker keep every exported method of the
// program, which was two and a half of fourteen megabytes. It may import the standard library only.
package flags

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrHelp is returned when help was asked for instead of a command.
var ErrHelp = errors.New("help was asked for")

// Parser is a command line that can be read and explained.
type Parser struct {
	name, purpose string
	flags         []*flag
	commands      []*command
}

// flag is one flag and the field it sets.
type flag struct {
	name, help, placeholder, standard string
	short                             byte
	enum                              []string
	folder                            bool
	field                             reflect.Value
}

// command is one command and the struct of its flags.
type command struct {
	name, help string
	hidden     bool
	flags      []*flag
	field      reflect.Value
}

// New returns the parser for a pointer to a struct. It panics on a struct that cannot be
// a command line: that is a mistake in the program.
func New(name, purpose string, into any, words map[string]string) *Parser {
	p := &Parser{name: name, purpose: purpose}
	p.flags, p.commands = read(reflect.ValueOf(into).Elem(), words)
	return p
}

func read(from reflect.Value, words map[string]string) (flags []*flag, commands []*command) {
	for i := range from.NumField() {
		field, value := from.Type().Field(i), from.Field(i)
		help := os.Expand(field.Tag.Get("help"), func(word string) string {
			if text, ok := words[word]; ok {
				return text
			}
			return "$" + word // a variable of the environment
		})
		if _, ok := field.Tag.Lookup("embed"); ok {
			more, _ := read(value, words)
			flags = append(flags, more...)
			continue
		}
		name := dashed(field.Name)
		if _, ok := field.Tag.Lookup("cmd"); ok {
			c := &command{name: name, help: help, field: value}
			c.flags, _ = read(value, words)
			_, c.hidden = field.Tag.Lookup("hidden")
			commands = append(commands, c)
			continue
		}
		f := &flag{name: name, help: help, field: value, standard: field.Tag.Get("default"), folder: field.Tag.Get("type") == "existingdir"}
		if short := field.Tag.Get("short"); short != "" {
			f.short = short[0]
		}
		if enum := field.Tag.Get("enum"); enum != "" {
			f.enum = strings.Split(enum, ",")
		}
		f.placeholder = field.Tag.Get("placeholder")
		if f.standard != "" {
			if err := f.set(f.standard); err != nil {
				panic(fmt.Sprintf("flags: %v", err))
			}
			f.placeholder = f.standard
		}
		if f.placeholder == "" {
			f.placeholder = strings.ToUpper(name)
		}
		flags = append(flags, f)
	}
	return flags, commands
}

// dashed writes a field's name as a flag's: StateDir is state-dir.
func dashed(name string) string {
	var out strings.Builder
	for i, c := range name {
		if c >= 'A' && c <= 'Z' {
			if i > 0 {
				out.WriteByte('-')
			}
			c += 'a' - 'A'
		}
		out.WriteRune(c)
	}
	return out.String()
}

// Parse reads the arguments and returns the struct of the command that they name. With
// ErrHelp, which names the command that help was asked for or is empty, nothing is to
// be done; any other error is the caller's wrong usage, in words.
func (p *Parser) Parse(args []string) (chosen any, name string, err error) {
	var c *command
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case arg == "-h" || arg == "--help":
			// It is for the command that stands before or after.
			for _, rest := range args {
				if at := p.command(rest); at >= 0 && c == nil {
					c = p.commands[at]
				}
			}
			if c != nil {
				name = c.name
			}
			return nil, name, ErrHelp
		case strings.HasPrefix(arg, "-") && len(arg) > 1:
			if args, err = p.take(c, arg, args); err != nil {
				return nil, "", err
			}
		case c == nil:
			at := p.command(arg)
			if at < 0 {
				return nil, "", fmt.Errorf("unexpected argument %s", arg)
			}
			c = p.commands[at]
		default:
			return nil, "", fmt.Errorf("unexpected argument %s", arg)
		}
	}
	if c == nil {
		return nil, "", errors.New("a command is missing")
	}
	return c.field.Interface(), c.name, nil
}

// command is the index of a command, negative for none.
func (p *Parser) command(name string) int {
	return slices.IndexFunc(p.commands, func(c *command) bool { return c.name == name })
}

// take sets the flag that an argument names, and returns the arguments that are left.
func (p *Parser) take(c *command, arg string, args []string) ([]string, error) {
	known := p.flags
	if c != nil {
		known = slices.Concat(p.flags, c.flags)
	}
	name, value, given := strings.Cut(arg, "=")
	at := slices.IndexFunc(known, func(f *flag) bool { return "--"+f.name == name || f.short != 0 && "-"+string(f.short) == name })
	if at < 0 && len(arg) > 2 && arg[1] != '-' { // -ojson
		at = slices.IndexFunc(known, func(f *flag) bool { return f.short != 0 && f.short == arg[1] })
		value, given = arg[2:], true
	}
	if at < 0 {
		return nil, fmt.Errorf("unknown flag %s", name)
	}
	f := known[at]
	if !given && f.field.Kind() == reflect.Bool {
		value, given = "true", true
	}
	if !given {
		if len(args) == 0 {
			return nil, fmt.Errorf("--%s needs a value", f.name)
		}
		value, args = args[0], args[1:]
	}
	return args, f.set(value)
}

func (f *flag) set(value string) error {
	if f.enum != nil && !slices.Contains(f.enum, value) {
		return fmt.Errorf("--%s must be one of %s but is %q", f.name, strings.Join(f.enum, ", "), value)
	}
	if f.folder {
		if info, err := os.Stat(value); err != nil || !info.IsDir() {
			return fmt.Errorf("--%s: %q is no folder that can be read", f.name, value)
		}
	}
	switch field := f.field.Addr().Interface().(type) {
	case *string:
		*field = value
	case **string:
		*field = &value
	case *bool:
		set, err := strconv.ParseBool(value)
		if err != nil {
			return fmt.Errorf("--%s must be true or false but is %q", f.name, value)
		}
		*field = set
	case *time.Duration:
		length, err := time.ParseDuration(value)
		if err != nil {
			return fmt.Errorf("--%s must be a duration such as 30s or 5m but is %q", f.name, value)
		}
		*field = length
	default:
		return fmt.Errorf("--%s: a flag cannot be a %s", f.name, f.field.Type())
	}
	return nil
}
