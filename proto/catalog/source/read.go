package source

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fieldrules"
)

// The words of the readable form.
var (
	categories = wordsOf(farmhoundv1.Category_name, "CATEGORY_", "-")
	kinds      = factKinds()
	strengths  = wordsOf(farmhoundv1.Strength_name, "STRENGTH_", "-")
	sessions   = wordsOf(farmhoundv1.SessionKind_name, "SESSION_KIND_", "-")
	systems    = map[string]int32{
		"any":     int32(farmhoundv1.OperatingSystem_OPERATING_SYSTEM_UNSPECIFIED),
		"linux":   int32(farmhoundv1.OperatingSystem_OPERATING_SYSTEM_LINUX),
		"windows": int32(farmhoundv1.OperatingSystem_OPERATING_SYSTEM_WINDOWS),
		"macos":   int32(farmhoundv1.OperatingSystem_OPERATING_SYSTEM_MACOS),
	}
)

// wordsOf turns the names of an enum into the words of the readable form.
func wordsOf(names map[int32]string, prefix, separator string) map[string]int32 {
	table := make(map[string]int32, len(names))
	for number, name := range names {
		if number != 0 {
			word := strings.ToLower(strings.TrimPrefix(name, prefix))
			table[strings.ReplaceAll(word, "_", separator)] = number
		}
	}
	return table
}

// factKinds leaves out the kinds that have a section of their own.
func factKinds() map[string]int32 {
	table := wordsOf(farmhoundv1.FactKind_name, "FACT_KIND_", "_")
	for _, own := range []string{"usb", "edid", "usb_report_descriptor"} {
		delete(table, own)
	}
	return table
}

// longestText bounds one value of a file, in bytes.
const longestText = 200

// reader walks the nodes of one file and collects what is wrong with it.
type reader struct {
	file     string
	document *document
	problems []error
}

// read returns the entries of one file, or everything that is wrong with it.
func read(file string, text []byte) ([]*document, []error) {
	top := position{file, 1, 1}
	if len(text) > maxFile {
		return nil, []error{top.problem("the file is %d bytes long, more than %d", len(text), maxFile)}
	}
	roots, err := parse(text)
	if err != nil {
		return nil, []error{(position{file, lineOf(err), 1}).problem("not YAML: %s", plainYAML(err))}
	}
	if len(roots) == 0 {
		return nil, []error{top.problem("the file is empty")}
	}
	var documents []*document
	var problems []error
	for i, root := range roots {
		at := position{file, root.Line, root.Column}
		if i == 0 {
			at = top
		}
		r := &reader{file: file, document: &document{entry: &farmhoundv1.Entry{}, at: at, id: at, alone: len(roots) == 1}}
		r.readEntry(root)
		documents = append(documents, r.document)
		problems = append(problems, r.problems...)
	}
	return documents, problems
}

// parse returns the top node of every document that holds something.
func parse(text []byte) ([]*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var roots []*yaml.Node
	for {
		var document yaml.Node
		if err := decoder.Decode(&document); err != nil {
			if errors.Is(err, io.EOF) {
				return roots, nil
			}
			return nil, err
		}
		if len(document.Content) > 0 && document.Content[0].Tag != "!!null" {
			roots = append(roots, document.Content[0])
		}
	}
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

func plainYAML(err error) string {
	return yamlLine.ReplaceAllString(strings.TrimPrefix(err.Error(), "yaml: "), "")
}

func (r *reader) at(n *yaml.Node) position { return position{r.file, n.Line, n.Column} }

func (r *reader) fail(n *yaml.Node, format string, args ...any) {
	r.problems = append(r.problems, r.at(n).problem(format, args...))
}

// mapping calls the reader of every key; an unknown or repeated key is a problem.
func (r *reader) mapping(n *yaml.Node, keys map[string]func(*yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		r.fail(n, "expected keys and values: %s", words(keys))
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		readValue, known := keys[key.Value]
		switch {
		case key.Kind != yaml.ScalarNode || !known:
			r.fail(key, "unknown key %s; known are %s", quoted(key), words(keys))
		case seen[key.Value]:
			r.fail(key, "key %s is given twice", quoted(key))
		default:
			seen[key.Value] = true
			readValue(value)
		}
	}
}

// list calls the reader of every element.
func (r *reader) list(n *yaml.Node, readOne func(*yaml.Node)) {
	if n.Kind != yaml.SequenceNode {
		r.fail(n, "expected a list")
		return
	}
	for _, one := range n.Content {
		readOne(one)
	}
}

// text returns a plain value as it is written; numbers count as text.
func (r *reader) text(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		r.fail(n, "expected a single value")
		return ""
	}
	switch {
	case strings.TrimSpace(n.Value) == "":
		r.fail(n, "the value is empty")
	case len(n.Value) > longestText:
		r.fail(n, "the value is %d bytes long, longer than %d", len(n.Value), longestText)
	case !fieldrules.Holds(farmhoundv1.CharacterClass_CHARACTER_CLASS_PRINTABLE, n.Value):
		r.fail(n, "the value %s holds characters that do not print", quoted(n))
	}
	return n.Value
}

func (r *reader) truth(n *yaml.Node) bool {
	if n.Kind != yaml.ScalarNode || n.Value != "true" && n.Value != "false" {
		r.fail(n, "expected true or false")
	}
	return n.Value == "true"
}

func (r *reader) number(n *yaml.Node, limit uint64) uint32 {
	value, err := strconv.ParseUint(r.text(n), 0, 32)
	if err != nil || value > limit {
		r.fail(n, "expected a number up to %d", limit)
		return 0
	}
	return uint32(value)
}

func (r *reader) word(n *yaml.Node, table map[string]int32) int32 {
	value := r.text(n)
	number, ok := table[value]
	if !ok && value != "" {
		r.fail(n, "unknown word %s; known are %s", quoted(n), words(table))
	}
	return number
}

// quoted shows a bounded beginning of a node's text.
func quoted(n *yaml.Node) string {
	text := n.Value
	if len(text) > 48 {
		text = text[:48]
	}
	return strconv.QuoteToASCII(text)
}
