package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// documents renders each message as JSON.
func documents[M proto.Message](messages []M) ([]json.RawMessage, error) {
	items := make([]json.RawMessage, 0, len(messages))
	for _, m := range messages {
		raw, err := protoJSON(m)
		if err != nil {
			return nil, err
		}
		items = append(items, raw)
	}
	return items, nil
}

// list prints messages as a JSON or YAML array, or their rows as a table or csv.
func list[M proto.Message](env *environment, messages []M, r rows) error {
	switch env.format {
	case "json":
		items, err := documents(messages)
		if err != nil {
			return err
		}
		return writeJSON(env.out, items)
	case "yaml":
		items, err := documents(messages)
		if err != nil {
			return err
		}
		return writeYAML(env.out, items)
	case "csv":
		return r.csv(env.out)
	}
	if len(r.cells) == 0 {
		fmt.Fprintln(env.errOut, "There is none.")
		return nil
	}
	return r.table(env.out, env.width)
}

// one prints a message as a JSON or YAML document, or rows of it.
func one(env *environment, m proto.Message, r rows) error {
	switch env.format {
	case "json":
		raw, err := protoJSON(m)
		if err != nil {
			return err
		}
		return writeJSON(env.out, raw)
	case "yaml":
		raw, err := protoJSON(m)
		if err != nil {
			return err
		}
		return writeYAML(env.out, raw)
	case "csv":
		return r.csv(env.out)
	}
	return r.table(env.out, env.width)
}

func protoJSON(m proto.Message) (json.RawMessage, error) {
	raw, err := protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("render as JSON: %w", err)
	}
	return raw, nil
}

// writeJSON indents afresh, because protojson varies its spaces on purpose. What
// does not print is escaped: JSON itself leaves it to terminals to obey.
func writeJSON(w io.Writer, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("render as JSON: %w", err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		return fmt.Errorf("render as JSON: %w", err)
	}
	out.WriteByte('\n')
	_, err = io.WriteString(w, escaped(out.String()))
	return err
}

// escaped writes what does not print in JSON's own way. Outside of strings JSON
// has nothing of the kind.
func escaped(document string) string {
	var out strings.Builder
	for _, r := range document {
		if r < utf8.RuneSelf || unicode.IsPrint(r) {
			out.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&out, `\u%04x`, unit)
		}
	}
	return out.String()
}

// printable escapes what a terminal would obey: control, format and separator
// characters. A device chooses its own names.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || (!unicode.IsPrint(r) && r != ' ') {
			return '\uFFFD'
		}
		return r
	}, s)
}

// inert keeps a spreadsheet from taking a cell for a formula. Numbers stay.
func inert(s string) string {
	first, _ := utf8.DecodeRuneInString(s)
	// The wide forms are formulas to some spreadsheets.
	if s == "" || !strings.ContainsRune("=+-@＝＋－＠", first) {
		return s
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return s
	}
	return "'" + s
}

func at(t *timestamppb.Timestamp) string {
	if !t.IsValid() || t.GetSeconds() == 0 {
		return ""
	}
	return t.AsTime().Format(time.RFC3339)
}

// percent prints a probability. None is certain, and none is printed so.
func percent(p float64) string {
	switch {
	case p > 0.9994:
		return ">99.9 %"
	case p > 0 && p < 0.0005:
		return "<0.1 %"
	}
	return strconv.FormatFloat(100*p, 'f', 1, 64) + " %"
}

// risk prints a probability for people in tables, and as it is for programs.
func risk(env *environment, p float64) string {
	if env.format == "csv" {
		return figure(p)
	}
	return percent(p)
}

func decibans(db float64) string { return strconv.FormatFloat(db, 'f', 1, 64) }

// short cuts a device id for tables; any unique prefix names the device.
func short(env *environment, id string) string {
	if env.format == "table" && len(id) > 12 {
		return id[:12]
	}
	return id
}
