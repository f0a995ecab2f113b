package sighting_test

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/farmhound-security/farmhound/proto/catalog"
	"github.com/farmhound-security/farmhound/proto/catalog/sighting"
)

// rows returns the lines of a kept list, each split at its tabs.
func rows(t *testing.T, name string) [][]string {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var found [][]string
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if text := lines.Text(); text != "" && !strings.HasPrefix(text, "#") {
			found = append(found, strings.Split(text, "\t"))
		}
	}
	if len(found) == 0 {
		t.Fatalf("%s holds nothing", name)
	}
	return found
}

// judge asks for one line of facts, each a kind and a value.
func judge(t *testing.T, r *sighting.Reader, system string, facts ...[2]string) []sighting.Found {
	t.Helper()
	type fact struct {
		Kind  string `json:"kind"`
		Value string `json:"value"`
	}
	line := struct {
		OS    string `json:"os"`
		Facts []fact `json:"facts"`
	}{OS: system}
	for _, f := range facts {
		line.Facts = append(line.Facts, fact{f[0], f[1]})
	}
	text, err := json.Marshal(line)
	if err != nil {
		t.Fatal(err)
	}
	result, complaints := r.Line(1, text)
	for _, c := range complaints {
		t.Errorf("%s: %v", text, &c)
	}
	if result == nil {
		return nil
	}
	return result.Matches
}

func TestToolsAsTheyAreWrittenDown(t *testing.T) {
	t.Parallel()
	r := sighting.New(catalog.BuiltIn())
	for _, row := range rows(t, "testdata/field.txt") {
		want, system := row[0], row[1]
		var facts [][2]string
		for _, text := range row[2:] {
			kind, value, _ := strings.Cut(text, "=")
			facts = append(facts, [2]string{kind, value})
		}
		strength := ""
		for _, m := range judge(t, r, system, facts...) {
			if m.ID == want {
				strength = m.Strength
			}
		}
		if strength != "supporting" && strength != "identifying" {
			t.Errorf("%s is not found on %s by %q: strength %q", want, system, row[2:], strength)
		}
	}
}

func TestEverydayThingsAreNoSign(t *testing.T) {
	t.Parallel()
	r := sighting.New(catalog.BuiltIn())
	for _, row := range rows(t, "testdata/everyday.txt") {
		for _, value := range row[2:] {
			for _, m := range judge(t, r, row[0], [2]string{row[1], value}) {
				if m.Strength != "weak" {
					t.Errorf("%s %s %q is taken for %s (%s)", row[0], row[1], value, m.ID, m.Strength)
				}
			}
		}
	}
}
