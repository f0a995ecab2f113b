// Package strictyaml reads the files that people write for the collector: its
// configuration and its signals. A typo is an error with file, line and column,
// never a setting that silently does nothing.
//
// It may import nothing of this module.
package strictyaml

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// maxFile bounds a file, in bytes.
const maxFile = 1 << 20

// Problem is one thing wrong with a file, with its place.
type Problem struct {
	File         string
	Line, Column int // from 1
	Reason       string
}

// Error gives the place first, in the form that editors jump to.
func (p Problem) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Reason)
}

// Checker is a value that knows more about itself than its type does. Check is
// called once the value was read without problems; its error gets the value's place.
type Checker interface{ Check() error }

// Decode fills the struct that into points to. Keys are the fields' yaml tags.
// Unknown and repeated keys, wrong types and a second document are problems; the
// error joins all of them, in the order of the file. Missing keys leave their
// fields as they are. Fields may be strings, numbers, bools, time.Duration, Text,
// Tree, encoding.TextUnmarshaler, and pointers, slices, string maps and structs of these.
func Decode(file string, text []byte, into any) error {
	d := &decoder{file: file, lines: strings.Split(string(text), "\n")}
	if len(text) > maxFile {
		return Problem{file, 1, 1, fmt.Sprintf("the file is %d bytes long, more than %d", len(text), maxFile)}
	}
	root, err := parse(text)
	if err != nil {
		return Problem{file, lineOf(err), 1, "not YAML: " + plain(err)}
	}
	if root != nil {
		d.value(root, reflect.ValueOf(into).Elem())
	}
	return errors.Join(d.problems...)
}

// parse returns the top node of the only document, nil for an empty file.
func parse(text []byte) (*yaml.Node, error) {
	reader := yaml.NewDecoder(bytes.NewReader(text))
	var document, second yaml.Node
	if err := reader.Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		return nil, err
	}
	switch err := reader.Decode(&second); {
	case err == nil:
		return nil, fmt.Errorf("line %d: a second document begins here; one file holds one", second.Line)
	case !errors.Is(err, io.EOF):
		return nil, err
	}
	if len(document.Content) == 0 {
		return nil, nil
	}
	return document.Content[0], nil
}

// yamlLine finds the line in the parser's own message.
var yamlLine = regexp.MustCompile(`line (\d+): `)

func lineOf(err error) int {
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		if line, err := strconv.Atoi(m[1]); err == nil && line > 0 {
			return line
		}
	}
	return 1
}

func plain(err error) string {
	return yamlLine.ReplaceAllString(strings.TrimPrefix(err.Error(), "yaml: "), "")
}

type decoder struct {
	file     string
	lines    []string
	problems []error
}

func (d *decoder) fail(n *yaml.Node, format string, args ...any) {
	d.problems = append(d.problems, Problem{d.file, max(n.Line, 1), max(n.Column, 1), fmt.Sprintf(format, args...)})
}

var (
	textType     = reflect.TypeFor[Text]()
	treeType     = reflect.TypeFor[Tree]()
	durationType = reflect.TypeFor[time.Duration]()
)

func (d *decoder) value(n *yaml.Node, v reflect.Value) {
	before := len(d.problems)
	d.read(n, v)
	if c, ok := v.Addr().Interface().(Checker); ok && len(d.problems) == before {
		if err := c.Check(); err != nil {
			d.fail(n, "%v", err)
		}
	}
}

func (d *decoder) read(n *yaml.Node, v reflect.Value) {
	if n.Kind == yaml.AliasNode {
		d.fail(n, "aliases are not used here; write the value out")
		return
	}
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		d.value(n, v.Elem())
		return
	}
	switch v.Type() {
	case textType:
		if d.scalar(n, "text") {
			v.Set(reflect.ValueOf(d.text(n)))
		}
		return
	case treeType:
		d.tree(n, v)
		return
	case durationType:
		if d.scalar(n, "a duration such as 90s or 5m") {
			d.duration(n, v)
		}
		return
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if d.scalar(n, "a single value") {
			if err := u.UnmarshalText([]byte(n.Value)); err != nil {
				d.fail(n, "%v", err)
			}
		}
		return
	}
	d.kind(n, v)
}

func (d *decoder) kind(n *yaml.Node, v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		d.mapping(n, v)
	case reflect.Map:
		d.table(n, v)
	case reflect.Slice:
		d.list(n, v)
	case reflect.String:
		if d.scalar(n, "text") {
			v.SetString(n.Value)
		}
	case reflect.Bool:
		if !d.scalar(n, "true or false") {
			return
		}
		if n.Value != "true" && n.Value != "false" {
			d.fail(n, "expected true or false, not %s", quoted(n.Value))
			return
		}
		v.SetBool(n.Value == "true")
	default:
		if d.scalar(n, "a number") {
			d.number(n, v)
		}
	}
}

func (d *decoder) scalar(n *yaml.Node, want string) bool {
	if n.Kind == yaml.ScalarNode && n.Tag != "!!null" {
		return true
	}
	d.fail(n, "expected %s", want)
	return false
}

func (d *decoder) number(n *yaml.Node, v reflect.Value) {
	var err error
	switch {
	case v.CanInt():
		var i int64
		if i, err = strconv.ParseInt(n.Value, 10, v.Type().Bits()); err == nil {
			v.SetInt(i)
		}
	case v.CanUint():
		var u uint64
		if u, err = strconv.ParseUint(n.Value, 10, v.Type().Bits()); err == nil {
			v.SetUint(u)
		}
	case v.CanFloat():
		var f float64
		if f, err = strconv.ParseFloat(n.Value, v.Type().Bits()); err == nil && f-f != 0 {
			err = strconv.ErrRange // neither NaN nor infinite
		}
		if err == nil {
			v.SetFloat(f)
		}
	default:
		panic("strictyaml: cannot decode into " + v.Type().String())
	}
	if err != nil {
		what := "a whole number"
		if v.CanFloat() {
			what = "a number"
		}
		d.fail(n, "expected %s, not %s", what, quoted(n.Value))
	}
}

func (d *decoder) duration(n *yaml.Node, v reflect.Value) {
	text, days := strings.CutSuffix(n.Value, "d")
	if days {
		// Half-lives are days; the standard notation ends at hours.
		if f, err := strconv.ParseFloat(text, 64); err == nil && f >= 0 && f < 36500 {
			v.SetInt(int64(f * float64(24*time.Hour)))
			return
		}
	}
	length, err := time.ParseDuration(n.Value)
	if err != nil || length < 0 {
		d.fail(n, "expected a duration such as 90s, 5m, 12h or 30d, not %s", quoted(n.Value))
		return
	}
	v.SetInt(int64(length))
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value) {
	fields := fieldsOf(v.Type())
	known := strings.Join(slices.Sorted(maps.Keys(fields)), ", ")
	if n.Kind != yaml.MappingNode {
		d.fail(n, "expected keys and values; known keys are %s", known)
		return
	}
	seen := make(map[string]int)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at, ok := fields[key.Value]
		switch {
		case !ok || key.Kind != yaml.ScalarNode:
			d.fail(key, "unknown key %s; known are %s", quoted(key.Value), known)
		case seen[key.Value] > 0:
			d.fail(key, "key %s is given twice, first on line %d", quoted(key.Value), seen[key.Value])
		default:
			seen[key.Value] = max(key.Line, 1)
			d.value(value, v.Field(at))
		}
	}
}

func fieldsOf(t reflect.Type) map[string]int {
	fields := make(map[string]int, t.NumField())
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ","); name != "" && name != "-" {
			fields[name] = i
		}
	}
	return fields
}

func (d *decoder) table(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.fail(n, "expected keys and values")
		return
	}
	table := reflect.MakeMap(v.Type())
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := reflect.ValueOf(n.Content[i].Value).Convert(v.Type().Key())
		if table.MapIndex(key).IsValid() {
			d.fail(n.Content[i], "key %s is given twice", quoted(n.Content[i].Value))
			continue
		}
		value := reflect.New(v.Type().Elem()).Elem()
		d.value(n.Content[i+1], value)
		table.SetMapIndex(key, value)
	}
	v.Set(table)
}

func (d *decoder) list(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		d.fail(n, "expected a list")
		return
	}
	list := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, one := range n.Content {
		d.value(one, list.Index(i))
	}
	v.Set(list)
}

func quoted(s string) string {
	const most = 48
	if len(s) > most {
		s = s[:most]
	}
	return strconv.QuoteToASCII(s)
}
