package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// writeYAML writes what writeJSON does, in blocks and in the same order. Of YAML it takes
// what every reader agrees on: texts are in quotation marks where anything in them could
// be taken for something else, and what does not print is escaped.
func writeYAML(w io.Writer, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("render as YAML: %w", err)
	}
	in := json.NewDecoder(bytes.NewReader(raw))
	in.UseNumber()
	y := &yamlWriter{in: in}
	if err := y.value(0, ""); err != nil {
		return fmt.Errorf("render as YAML: %w", err)
	}
	_, err = io.WriteString(w, y.out.String())
	return err
}

// yamlWriter turns a JSON document into YAML as it reads it.
type yamlWriter struct {
	in  *json.Decoder
	out strings.Builder
}

// value writes the next value at a depth. Before it stands what begins its line, which of
// a list or object with anything in it goes on below.
func (y *yamlWriter) value(depth int, before string) error {
	token, err := y.in.Token()
	if err != nil {
		return err
	}
	open, nested := token.(json.Delim)
	switch {
	case !nested:
		y.out.WriteString(before + scalar(token) + "\n")
		return nil
	case !y.in.More():
		y.out.WriteString(before + map[json.Delim]string{'[': "[]", '{': "{}"}[open] + "\n")
	case strings.HasSuffix(before, "- "): // the first of its own stands on the same line
		err = y.entries(open, depth, before)
	default:
		if before != "" {
			y.out.WriteString(strings.TrimRight(before, " ") + "\n")
		}
		err = y.entries(open, depth, strings.Repeat("  ", depth))
	}
	if err != nil {
		return err
	}
	_, err = y.in.Token() // its end
	return err
}

// entries writes what is in a list or an object, of which the first follows a beginning.
func (y *yamlWriter) entries(open json.Delim, depth int, first string) error {
	for begin := first; y.in.More(); begin = strings.Repeat("  ", depth) {
		if open == '[' {
			if err := y.value(depth+1, begin+"- "); err != nil {
				return err
			}
			continue
		}
		name, err := y.in.Token()
		if err != nil {
			return err
		}
		if err := y.value(depth+1, begin+scalar(name)+": "); err != nil {
			return err
		}
	}
	return nil
}

// scalar writes a text, number, truth value or nothing.
func scalar(token json.Token) string {
	text, isText := token.(string)
	switch {
	case token == nil:
		return "null"
	case !isText:
		return fmt.Sprint(token)
	case plainWord(text):
		return text
	}
	var out strings.Builder
	out.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			out.WriteString(`\` + string(r))
		case unicode.IsPrint(r):
			out.WriteRune(r)
		default:
			fmt.Fprintf(&out, `\U%08x`, r)
		}
	}
	out.WriteByte('"')
	return out.String()
}

// plainWord says whether a text can stand without quotation marks: an identifier that no
// version of YAML takes for anything else.
func plainWord(text string) bool {
	letter := func(r rune) bool { return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' }
	odd := func(r rune) bool { return !letter(r) && (r < '0' || r > '9') && r != '_' && r != '-' }
	if text == "" || !letter(rune(text[0])) || strings.ContainsFunc(text, odd) {
		return false
	}
	_, err := strconv.ParseFloat(text, 64) // inf, nan
	return err != nil && !slices.Contains([]string{"y", "n", "yes", "no", "on", "off", "true", "false", "null"}, strings.ToLower(text))
}
