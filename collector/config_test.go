package collector

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func readConfig(t *testing.T, text string) (Config, string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "collector.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := ReadConfig(path)
	return c, filepath.Dir(path), err
}

func TestConfigIsRead(t *testing.T) {
	t.Parallel()
	elsewhere := filepath.ToSlash(filepath.Join(t.TempDir(), "asn.mmdb"))
	c, dir, err := readConfig(t, `
listen: 192.0.2.1:8443
geo: [country.mmdb, `+elsewhere+`]
roster: people.csv
balancers: [10.0.0.0/28]
agents: {scan_interval: 10s}
outputs: [{name: siem, file: out.jsonl}]
retention: {reports: 90d, outbox: 0}
log_level: debug
company:
  home_countries: [US, CA]
  approved_tools: [{id: anydesk, until: 2026-12-31}]
  place: {latitude: 40, longitude: -83}
`)
	if err != nil {
		t.Fatal(err)
	}
	if c.Data != filepath.Join(dir, "data") || c.Geo[0] != filepath.Join(dir, "country.mmdb") || filepath.ToSlash(c.Geo[1]) != elsewhere || c.Outputs[0].File != filepath.Join(dir, "out.jsonl") {
		t.Errorf("paths: %+v", c)
	}
	if c.Agents.ScanInterval != 10*time.Second || c.Agents.WindowInterval != 5*time.Minute {
		t.Errorf("what is not said is not the default: %+v", c.Agents)
	}
	if want := (Retention{Reports: 90 * 24 * time.Hour, Events: 400 * 24 * time.Hour, Verdicts: 180 * 24 * time.Hour, Audit: 400 * 24 * time.Hour}); c.Retention != want {
		t.Errorf("retention %+v, want %+v", c.Retention, want)
	}
	company := c.Company.fleet()
	if got := company.ApprovedTools[0].Until; !got.Equal(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("the last day does not count: approved until %s", got)
	}
	if len(company.HighRiskCountries) == 0 || len(company.HomeCountries) != 2 || company.Latitude != 40 {
		t.Errorf("company %+v", company)
	}
}

func TestConfigMayTurnTheHighRiskListOff(t *testing.T) {
	t.Parallel()
	c, _, err := readConfig(t, "company: {high_risk_countries: []}\n")
	if err != nil {
		t.Fatal(err)
	}
	if list := c.Company.fleet().HighRiskCountries; len(list) != 0 {
		t.Errorf("an empty list became %v", list)
	}
}

func TestConfigProblemsHaveTheirPlace(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"lisen: :1\n":                         `collector.yaml:1:1: unknown key "lisen"`,
		"company:\n  home_countries: [USA]\n": `collector.yaml:2:20: "USA" is no ISO 3166-1`,
		"company:\n  approved_tools:\n    - {id: anydesk, until: soon}\n": `collector.yaml:3:28: "soon" is no date`,
		"company:\n  approved_tools:\n    - {id: anydask}\n":              `collector.yaml:3:12: the catalogue has no entry "anydask"`,
		"company:\n  offices: [192.0.2.0]\n":                              `collector.yaml:2:13: `,
		"company:\n  place: {latitude: 91, longitude: 0}\n":               `collector.yaml:2:10: latitude`,
		"outputs:\n  - {name: a}\n":                                       `collector.yaml:2:5: an output needs a name and a file`,
		"outputs:\n  - {name: a, file: x}\n  - {name: a, file: y}\n":      `collector.yaml:1:1: two outputs are called "a"`,
		"agents: {window_interval: 2h}\n":                                 `collector.yaml:1:9: window_interval is 2h0m0s`,
		"retention: {audit: 90}\n":                                        `collector.yaml:1:20: `,
		"retention:\n  reports: 12h\n":                                    `collector.yaml:2:3: reports is 12h0m0s; it must be at least a day`,
		"log_level: loud\n":                                               `collector.yaml:1:12: `,
	} {
		if _, _, err := readConfig(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}
