package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestHostileCells(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, cell, table, csv string }{
		{"plain", "laptop-1", "laptop-1", "laptop-1"},
		{"escape sequence", "a\x1b[31mb", "a\uFFFD[31mb", "a\uFFFD[31mb"},
		{"newline and tab", "a\nb\tc", "a\uFFFDb\uFFFDc", "a\uFFFDb\uFFFDc"},
		{"right-to-left override", "a\u202eb", "a\uFFFDb", "a\uFFFDb"},
		{"formula", "=HYPERLINK(0)", "=HYPERLINK(0)", "'=HYPERLINK(0)"},
		{"at sign", "@SUM(1)", "@SUM(1)", "'@SUM(1)"},
		{"negative number stays", "-4.5", "-4.5", "-4.5"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := rows{header: []string{"x"}, cells: [][]string{{tt.cell}}}
			var table, csv bytes.Buffer
			if err := r.table(&table); err != nil {
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
