package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// writeYAML writes what writeJSON does, in the same order. Texts are in quotation marks where
// some reader could take them for something else, and what does not print is escaped.
func writeYAML(w io.Writer, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("render as YAML: %w", err)
	}
	in := json.NewDecoder(bytes.NewReader(raw))
	in.UseNumber()
	root, err := yamlNode(in)
	if err != nil {
		return fmt.Errorf("render as YAML: %w", err)
	}
	var out bytes.Buffer
	to := yaml.NewEncoder(&out)
	to.SetIndent(2)
	if err := to.Encode(root); err != nil {
		return fmt.Errorf("render as YAML: %w", err)
	}
	_, err = io.WriteString(w, unprintable(out.String()))
	return err
}

// yamlNode reads the next JSON value, whose order a map would lose.
func yamlNode(in *json.Decoder) (*yaml.Node, error) {
	token, err := in.Token()
	if err != nil {
		return nil, err
	}
	open, nested := token.(json.Delim)
	if !nested {
		return yamlScalar(token), nil
	}
	node := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	if open == '[' {
		node.Kind, node.Tag = yaml.SequenceNode, "!!seq"
	}
	for in.More() {
		child, err := yamlNode(in) // of an object names and values by turns
		if err != nil {
			return nil, err
		}
		node.Content = append(node.Content, child)
	}
	_, err = in.Token() // its end
	return node, err
}

// plainWord is a text that can stand without quotation marks, unless it is a word of YAML.
var plainWord = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`)

// yamlWords are the texts that some version of YAML takes for something else.
var yamlWords = regexp.MustCompile(`^(?i:y|n|yes|no|on|off|true|false|null|inf|infinity|nan)$`)

func yamlScalar(token json.Token) *yaml.Node {
	node := &yaml.Node{Kind: yaml.ScalarNode, Value: fmt.Sprint(token)}
	switch text := token.(type) {
	case nil:
		node.Tag, node.Value = "!!null", "null"
	case string:
		node.Tag = "!!str"
		if !plainWord.MatchString(text) || yamlWords.MatchString(text) {
			node.Style = yaml.DoubleQuotedStyle
		}
	}
	return node
}

// unprintable escapes what a terminal would obey and YAML lets stand: it only stands between
// quotation marks.
func unprintable(text string) string {
	var out strings.Builder
	for _, r := range text {
		if r == '\n' || unicode.IsPrint(r) {
			out.WriteRune(r)
			continue
		}
		fmt.Fprintf(&out, `\U%08x`, r)
	}
	return out.String()
}
