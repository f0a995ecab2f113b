package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// rows is a table to print: the same cells as table or csv.
type rows struct {
	header []string
	cells  [][]string
}

func (r *rows) add(cells ...string) { r.cells = append(r.cells, cells) }

// list prints messages as a JSON array, or their rows as a table or csv.
func list[M proto.Message](env *environment, messages []M, r rows) error {
	switch env.format {
	case "json":
		items := make([]json.RawMessage, 0, len(messages))
		for _, m := range messages {
			raw, err := protoJSON(m)
			if err != nil {
				return err
			}
			items = append(items, raw)
		}
		return writeJSON(env.out, items)
	case "csv":
		return r.csv(env.out)
	default:
		return r.table(env.out)
	}
}

// one prints a message as a JSON document, or rows of it.
func one(env *environment, m proto.Message, r rows) error {
	switch env.format {
	case "json":
		raw, err := protoJSON(m)
		if err != nil {
			return err
		}
		return writeJSON(env.out, raw)
	case "csv":
		return r.csv(env.out)
	default:
		return r.table(env.out)
	}
}

func protoJSON(m proto.Message) (json.RawMessage, error) {
	raw, err := protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("render as JSON: %w", err)
	}
	return raw, nil
}

// writeJSON indents afresh, because protojson varies its spaces on purpose.
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
	_, err = out.WriteTo(w)
	return err
}

func (r *rows) table(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(cells []string) {
		safe := make([]string, len(cells))
		for i, c := range cells {
			safe[i] = printable(c)
		}
		fmt.Fprintln(tw, strings.Join(safe, "\t"))
	}
	if len(r.header) > 0 {
		upper := make([]string, len(r.header))
		for i, h := range r.header {
			upper[i] = strings.ToUpper(strings.ReplaceAll(h, "_", " "))
		}
		line(upper)
	}
	for _, cells := range r.cells {
		line(cells)
	}
	return tw.Flush()
}

func (r *rows) csv(w io.Writer) error {
	cw := csv.NewWriter(w)
	if err := cw.Write(r.header); err != nil {
		return err
	}
	for _, cells := range r.cells {
		safe := make([]string, len(cells))
		for i, c := range cells {
			safe[i] = inert(printable(c))
		}
		if err := cw.Write(safe); err != nil {
			return err
		}
	}
	cw.Flush()
	return cw.Error()
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
	if s == "" || !strings.ContainsRune("=+-@", rune(s[0])) {
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

func percent(p float64) string { return strconv.FormatFloat(100*p, 'f', 1, 64) + "%" }

func decibans(db float64) string { return strconv.FormatFloat(db, 'f', 1, 64) }

// short cuts a device id for tables; any unique prefix names the device.
func short(env *environment, id string) string {
	if env.format == "table" && len(id) > 12 {
		return id[:12]
	}
	return id
}
