// Package lolrmm maps the published list of the LOLRMM project to catalogue entries
// and says of every value what became of it.
//
// The list was written for hunters and holds, beside the names of products, what a
// catalogue that laptops are judged by must not: names of roles and of the system's
// own programs, the operator's side, patterns within patterns, prose, and what
// attackers used. A value is therefore mapped only into a form that catalog lint
// accepts, is supporting unless it says the product's own name and nobody else has it,
// and is otherwise refused with a reason.
//
// It reads the list from memory and never from a network. The agent does not import
// it; neither the list nor anything made from it is part of this project.
package lolrmm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	// MaxSize bounds the list, in bytes.
	MaxSize = 64 << 20
	// MaxTools bounds its tools.
	MaxTools = 2000
	// maxValues bounds the values of one tool.
	maxValues = 5000
	// maxDepth bounds how deep values are nested.
	maxDepth = 12
)

// Origin is how imported entries say where they come from.
const Origin = "lolrmm"

// Tool is one entry of the list, as far as it is read. Values are as published.
type Tool struct {
	Name     string
	Category string // RMM or RAT, which the list uses for the same things
	Website  string
	Paths    []Value // installation paths and files on disk
	Programs []Value // file names
	Original []Value // original file names
	Products []Value
	Companies,
	Services,
	Uninstall,
	Signers,
	Domains,
	Ports,
	Interfaces []Value
	Campaign   []Value // domains of a block that speaks of attackers
	References []string
}

// Value is one published value and the field it stood in.
type Value struct {
	Field string
	Text  string
	OS    string // as published, mostly empty
}

// Parse reads a list as the project publishes it: a JSON array of tools, one tool as
// JSON, or YAML of one tool or several documents.
func Parse(text []byte) ([]Tool, error) {
	if len(text) > MaxSize {
		return nil, fmt.Errorf("the list is %d bytes long, more than %d", len(text), MaxSize)
	}
	roots, err := decode(text)
	if err != nil {
		return nil, err
	}
	var tools []Tool
	for _, root := range roots {
		list, isList := root.([]any)
		if !isList {
			list = []any{root}
		}
		for _, one := range list {
			fields, ok := one.(map[string]any)
			if !ok {
				return nil, errors.New("the list holds something that is no tool: expected keys such as Name, Details and Artifacts")
			}
			t, err := toolOf(fields)
			if err != nil {
				return nil, err
			}
			tools = append(tools, t)
			if len(tools) > MaxTools {
				return nil, fmt.Errorf("more than %d tools", MaxTools)
			}
		}
	}
	return tools, nil
}

func decode(text []byte) ([]any, error) {
	trimmed := bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")))
	if len(trimmed) == 0 {
		return nil, errors.New("the file is empty")
	}
	if trimmed[0] == '[' || trimmed[0] == '{' {
		var root any
		if err := json.Unmarshal(trimmed, &root); err != nil {
			return nil, fmt.Errorf("not JSON: %w", err)
		}
		return []any{root}, nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(trimmed))
	var roots []any
	for {
		var node yaml.Node
		err := decoder.Decode(&node)
		if errors.Is(err, io.EOF) {
			return roots, nil
		}
		if err != nil {
			return nil, fmt.Errorf("not YAML: %w", err)
		}
		if hasAlias(&node, 0) {
			return nil, errors.New("not YAML of the list: it holds aliases, or is nested too deeply")
		}
		var root any
		if err := node.Decode(&root); err != nil {
			return nil, fmt.Errorf("not YAML: %w", err)
		}
		if root != nil {
			roots = append(roots, root)
		}
	}
}

// hasAlias finds what could make a small file large.
func hasAlias(n *yaml.Node, depth int) bool {
	if n.Kind == yaml.AliasNode || depth > 2*maxDepth {
		return true
	}
	for _, child := range n.Content {
		if hasAlias(child, depth+1) {
			return true
		}
	}
	return false
}

func toolOf(fields map[string]any) (Tool, error) {
	t := Tool{Name: clean(textOf(fields["Name"])), Category: textOf(fields["Category"])}
	if t.Name == "" {
		return Tool{}, errors.New("the list holds a tool without a Name")
	}
	details, artifacts := mapOf(fields["Details"]), mapOf(fields["Artifacts"])
	t.Website = textOf(details["Website"])
	for _, where := range []map[string]any{fields, details, artifacts} {
		t.add(&t.Paths, "InstallationPaths", where["InstallationPaths"], "")
	}
	for _, pe := range listOf(details["PEMetadata"]) {
		m := mapOf(pe)
		t.add(&t.Programs, "PEMetadata.Filename", m["Filename"], "windows")
		t.add(&t.Original, "PEMetadata.OriginalFileName", m["OriginalFileName"], "windows")
		t.add(&t.Products, "PEMetadata.Product", m["Product"], "windows")
		t.add(&t.Companies, "PEMetadata.Company", m["Company"], "windows")
	}
	t.artifacts(artifacts)
	signing := mapOf(fields["CodeSigning"])
	t.add(&t.Signers, "CodeSigning.signer_names", signing["signer_names"], "windows")
	for _, c := range listOf(signing["certificates"]) {
		t.add(&t.Signers, "CodeSigning.certificates", mapOf(c)["signer_name"], "windows")
	}
	for _, r := range listOf(fields["References"]) {
		if address := textOf(r); strings.HasPrefix(address, "https://") && len(t.References) < 8 {
			t.References = append(t.References, address)
		}
	}
	return t, nil
}

func (t *Tool) artifacts(artifacts map[string]any) {
	for _, d := range listOf(artifacts["Disk"]) {
		m := mapOf(d)
		t.add(&t.Paths, "Disk.File", m["File"], textOf(m["OS"]))
	}
	for _, e := range listOf(artifacts["EventLog"]) {
		t.add(&t.Services, "EventLog.ServiceName", mapOf(e)["ServiceName"], "windows")
	}
	for _, r := range listOf(artifacts["Registry"]) {
		path := textOf(mapOf(r)["Path"])
		if key, found := below(path, `\Uninstall\`); found {
			t.add(&t.Uninstall, "Registry.Path", key, "windows")
		}
		if key, found := below(path, `Set\Services\`); found && !strings.EqualFold(key, "EventLog") {
			t.add(&t.Services, "Registry.Path", key, "windows")
		}
	}
	for _, n := range listOf(artifacts["Network"]) {
		m := mapOf(n)
		domains := &t.Domains
		if ofAttackers(textOf(m["Description"])) {
			domains = &t.Campaign
		}
		t.add(domains, "Network.Domains", m["Domains"], "")
		t.add(&t.Ports, "Network.Ports", m["Ports"], "")
	}
	for _, o := range listOf(artifacts["Other"]) {
		if m := mapOf(o); strings.EqualFold(textOf(m["Type"]), "NetworkInterface") {
			t.add(&t.Interfaces, "Other.NetworkInterface", m["Value"], "")
		}
	}
}

// below returns the key that stands behind a part of a registry path.
func below(path, part string) (string, bool) {
	// Not in the path in lower case: that may be longer or shorter.
	for i := 0; i+len(part) <= len(path); i++ {
		if strings.EqualFold(path[i:i+len(part)], part) {
			key, _, _ := strings.Cut(path[i+len(part):], `\`)
			return key, key != ""
		}
	}
	return "", false
}

// ofAttackers says of a description that what it describes is not the product's.
func ofAttackers(description string) bool {
	lower := strings.ToLower(description)
	for _, word := range []string{
		"threat actor", "threat-actor", "attacker", "campaign", "phishing", "malicious", "abuse", "c2 ", "ransomware", "stager", "staging infrastructure", "operator-controlled", "operator controlled",
	} {
		if strings.Contains(lower, word) {
			return true
		}
	}
	return false
}

// add appends the texts in a value, which may be one, a list, or missing.
func (t *Tool) add(to *[]Value, field string, value any, os string) {
	for _, one := range listOf(value) {
		text := clean(textOf(one))
		if text == "" || text == "N/A" || len(*to) >= maxValues {
			continue
		}
		*to = append(*to, Value{field, text, os})
	}
}

// clean bounds a text and takes out what does not print.
func clean(text string) string {
	const most = 1024
	if len(text) > most {
		text = text[:most]
	}
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0xfffd {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	return strings.TrimSpace(text)
}

func mapOf(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// listOf reads a value as a list; a single one is a list of one.
func listOf(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	default:
		return []any{v}
	}
}

// textOf reads text and numbers, which the list uses alike.
func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v)
	case int, int64, uint64, float64:
		return fmt.Sprint(v)
	}
	return ""
}
