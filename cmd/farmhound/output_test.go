package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

func TestHostileCells(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, cell, table, csv string }{
		{"plain", "laptop-1", "laptop-1", "laptop-1"},
		{"escape sequence", "a\x1b[31mb", "a\uFFFD[31mb", "a\uFFFD[31mb"},
		{"newline and tab", "a\nb\tc", "a\uFFFDb\uFFFDc", "a\uFFFDb\uFFFDc"},
		{"right-to-left override", "a\u202eb", "a\uFFFDb", "a\uFFFDb"},
		{"formula", "=HYPERLINK(0)", "=HYPERLINK(0)", "'=HYPERLINK(0)"},
		{"wide formula", "＝1+1", "＝1+1", "'＝1+1"},
		{"at sign", "@SUM(1)", "@SUM(1)", "'@SUM(1)"},
		{"negative number stays", "-4.5", "-4.5", "-4.5"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := rows{header: []string{"x"}, cells: [][]string{{tt.cell}}}
			var table, csv bytes.Buffer
			if err := r.table(&table, 80); err != nil {
				t.Fatal(err)
			}
			if err := r.csv(&csv); err != nil {
				t.Fatal(err)
			}
			if got := strings.TrimPrefix(strings.TrimSuffix(table.String(), "\n"), "X\n"); got != tt.table {
				t.Errorf("table %q, want %q", got, tt.table)
			}
			if got := strings.TrimPrefix(strings.TrimSuffix(csv.String(), "\n"), "x\n"); got != tt.csv {
				t.Errorf("csv %q, want %q", got, tt.csv)
			}
		})
	}
}

func TestTableFits(t *testing.T) {
	t.Parallel()
	list := rows{header: []string{"device", "nothing", "person", "title"}, cells: [][]string{
		{"0123456789ab", "", "p-1", strings.Repeat("x", 40)},
		{"ba9876543210", "", "p-22", "short"},
	}}
	prose := rows{header: []string{"at", "summary"}, prose: true, cells: [][]string{{"noon", "one two three four five six seven"}}}
	tests := []struct {
		name  string
		rows  rows
		width int
		want  string
	}{
		{"columns without a value are left out, long cells cut", list, 80,
			"DEVICE        PERSON  TITLE\n0123456789ab  p-1     " + strings.Repeat("x", 31) + "…\nba9876543210  p-22    short\n"},
		{"the last ones where there is no room", list, 40, "DEVICE        PERSON\n0123456789ab  p-1\nba9876543210  p-22\n"},
		{"one column always", list, 5, "DEVICE\n0123456789ab\nba9876543210\n"},
		{"an empty list keeps its header", rows{header: []string{"a", "b"}}, 80, "A  B\n"},
		{"prose is wrapped", prose, 26, "AT    SUMMARY\nnoon  one two three four\n      five six seven\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			if err := tt.rows.table(&out, tt.width); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, out.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPercentIsNeverCertain(t *testing.T) {
	t.Parallel()
	for p, want := range map[float64]string{0: "0.0 %", 0.0001: "<0.1 %", 0.0005: "0.1 %", 0.5573: "55.7 %", 0.9994: "99.9 %", 0.9999: ">99.9 %", 1: ">99.9 %"} {
		if got := percent(p); got != want {
			t.Errorf("percent(%v) = %q, want %q", p, got, want)
		}
	}
}

func TestJSONCannotSteerATerminal(t *testing.T) {
	t.Parallel()
	const hostile = "a\x1b[2J\u009b31m\u202e\U000e0041é…"
	var out bytes.Buffer
	if err := writeJSON(&out, map[string]string{"note": hostile}); err != nil {
		t.Fatal(err)
	}
	for _, r := range out.String() {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Errorf("%U goes to the terminal", r)
		}
	}
	var back map[string]string
	if err := json.Unmarshal(out.Bytes(), &back); err != nil || back["note"] != hostile {
		t.Errorf("read back %q, error %v", back["note"], err)
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		args []string
		code int
		says string
	}{
		{"not logged in", []string{"devices"}, 1, "farmhound login"},
		{"unknown command", []string{"devces"}, 2, "devces"},
		{"unknown format", []string{"devices", "-o", "xml"}, 2, "table"},
		{"a span of nothing", []string{"timeline", "x", "--since=-1h"}, 2, "no length of time"},
		{"no command", nil, 2, "farmhound --help"},
		{"close without reason", []string{"alerts", "close", "a1"}, 2, "reason"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out, errOut bytes.Buffer
			args := append([]string{"--config", t.TempDir() + "/none.json"}, tt.args...)
			if code := run(t.Context(), args, strings.NewReader(""), &out, &errOut); code != tt.code {
				t.Errorf("exit %d, want %d (%s)", code, tt.code, errOut.String())
			}
			if !strings.Contains(errOut.String(), tt.says) {
				t.Errorf("says %q, want it to name %q", errOut.String(), tt.says)
			}
		})
	}
}
