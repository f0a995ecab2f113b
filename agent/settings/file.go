package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// maxFile bounds a settings file.
const maxFile = 64 << 10

// parseFile reads a settings file: one JSON object of texts, in which lines may
// carry comments that begin with // or #. Everything wrong is reported together,
// each with line and column.
func parseFile(path string, data []byte) (Layer, error) {
	p := parser{path: path, data: blankComments(data), layer: Layer{}}
	p.decoder = json.NewDecoder(bytes.NewReader(p.data))
	p.decoder.UseNumber()
	if err := p.object(); err != nil {
		p.problems = append(p.problems, err)
	}
	if err := errors.Join(p.problems...); err != nil {
		return nil, fmt.Errorf("settings file cannot be used: %w", err)
	}
	return p.layer, nil
}

type parser struct {
	path     string
	data     []byte
	decoder  *json.Decoder
	layer    Layer
	problems []error
}

func (p *parser) object() error {
	if len(bytes.TrimSpace(p.data)) == 0 {
		return nil
	}
	at := p.next()
	opening, err := p.decoder.Token()
	if err != nil {
		return p.syntax(err)
	}
	if opening != json.Delim('{') {
		return p.problem(at, "settings must be one object in braces")
	}
	for p.decoder.More() {
		if err := p.member(); err != nil {
			return err
		}
	}
	if _, err := p.decoder.Token(); err != nil {
		return p.syntax(err)
	}
	at = p.next()
	if _, err := p.decoder.Token(); !errors.Is(err, io.EOF) {
		return p.problem(at, "something follows the closing brace")
	}
	return nil
}

// member reads one key and value. An unknown key or a value of a wrong type is
// noted and reading goes on; only broken syntax is returned.
func (p *parser) member() error {
	at := p.next()
	token, err := p.decoder.Token()
	if err != nil {
		return p.syntax(err)
	}
	key, _ := token.(string)
	valueAt := p.next()
	var value any
	if err := p.decoder.Decode(&value); err != nil {
		return p.syntax(err)
	}
	text, isText := value.(string)
	_, repeated := p.layer[key]
	switch {
	case !known(key):
		p.note(at, fmt.Sprintf("unknown setting %q%s", key, nearest(key, keys())))
	case repeated:
		p.note(at, fmt.Sprintf("%s is set twice, before at %s", key, p.layer[key].Where))
	case !isText:
		p.note(valueAt, fmt.Sprintf("%s must be a text in quotes, not %s", key, kindOf(value)))
	default:
		p.layer[key] = Value{Text: text, Where: p.place(valueAt)}
	}
	return nil
}

// next returns the offset of the next token: where the decoder stands, moved
// over what may lie between two tokens.
func (p *parser) next() int {
	at := int(p.decoder.InputOffset())
	for at < len(p.data) && strings.IndexByte(" \t\r\n,:", p.data[at]) >= 0 {
		at++
	}
	return at
}

func (p *parser) syntax(err error) error {
	var broken *json.SyntaxError
	switch {
	case errors.As(err, &broken):
		// The offset is that of the wrong character or of the one before it.
		at := max(int(broken.Offset)-1, 0)
		for at < len(p.data)-1 && strings.IndexByte(" \t\r\n", p.data[at]) >= 0 {
			at++
		}
		return p.problem(at, broken.Error())
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return p.problem(len(bytes.TrimRight(p.data, " \t\r\n")), "the file ends too early, a closing brace or quote is missing")
	default:
		return p.problem(p.next(), err.Error())
	}
}

func (p *parser) note(at int, text string) { p.problems = append(p.problems, p.problem(at, text)) }

func (p *parser) problem(at int, text string) error { return fmt.Errorf("%s: %s", p.place(at), text) }

// place returns file:line:column, columns counted in characters from 1.
func (p *parser) place(at int) string {
	before := p.data[:min(at, len(p.data))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Sprintf("%s:%d:%d", p.path, line, column)
}

// blankComments replaces comments by spaces, so that offsets stay what they are.
func blankComments(data []byte) []byte {
	data = bytes.TrimPrefix(bytes.Clone(data), []byte("\xef\xbb\xbf"))
	inText, inComment := false, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c == '\n':
			inText, inComment = false, false
		case inComment:
			if c != '\r' {
				data[i] = ' '
			}
		case inText && c == '\\':
			i++
		case c == '"':
			inText = !inText
		case !inText && (c == '#' || bytes.HasPrefix(data[i:], []byte("//"))):
			inComment = true
			data[i] = ' '
		}
	}
	return data
}

func keys() []string {
	var all []string
	for _, setting := range All() {
		all = append(all, setting.Key)
	}
	return all
}

func known(key string) bool {
	for _, setting := range All() {
		if setting.Key == key {
			return true
		}
	}
	return false
}

func kindOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "true or false"
	case json.Number:
		return "a number"
	case []any:
		return "a list"
	default:
		return "an object"
	}
}
