package network

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestPointInSummary(t *testing.T) {
	t.Parallel()
	told := macFile(t, "summary.txt")
	point := func(bssid string) string { return strings.Replace(told, "0:1b:2f:1:2:a3", bssid, 1) }
	want := mac{0x00, 0x1b, 0x2f, 0x01, 0x02, 0xa3}
	for name, test := range map[string]struct {
		text string
		ok   bool
	}{
		"told":                  {told, true},
		"with all digits":       {point("00:1B:2F:01:02:A3"), true},
		"hidden":                {macFile(t, "summary_redacted.txt"), false},
		"of nobody":             {point("0:0:0:0:0:0"), false},
		"of a group":            {point("1:0:5e:0:0:fb"), false},
		"too short":             {point("0:1b:2f:1:2"), false},
		"too long":              {point("0:1b:2f:1:2:a3:4"), false},
		"a number too large":    {point("0:1b:2f:1:2:1a3"), false},
		"nothing between":       {point("0:1b::1:2:a3"), false},
		"in a network's name":   {strings.Replace(macFile(t, "summary_redacted.txt"), "SSID : <redacted>\n  Sec", "SSID : x\n  BSSID : 0:1b:2f:1:2:a3\n  Sec", 1), false},
		"in another dictionary": {"<dictionary> {\n  IPv4 : <dictionary> {\n    BSSID : 0:1b:2f:1:2:a3\n  }\n}\n", false},
		"on a wire":             {"<dictionary> {\n  InterfaceType : Ethernet\n  LinkStatusActive : TRUE\n}\n", false},
		"nothing":               {"", false},
	} {
		got, ok := pointInSummary(test.text)
		if ok != test.ok || ok && got != want {
			t.Errorf("%s: %v, %v", name, got, ok)
		}
	}
}

func TestMacPointIsAskedSeldom(t *testing.T) {
	t.Parallel()
	asked := 0
	var fails error
	p := macPoint{ask: func(context.Context) ([]byte, error) {
		asked++
		return []byte(macFile(t, "summary.txt")), fails
	}}
	here, there := mac{0, 1, 2, 3, 4, 5}, mac{0, 1, 2, 3, 4, 6}
	now := time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)
	for _, step := range []struct {
		name    string
		gateway mac
		after   time.Duration
		fails   error
		ok      bool
		asked   int
	}{
		{"en7", here, 0, nil, false, 0}, // of which nothing is asked
		{"en0", here, 0, nil, true, 1},
		{"en0", here, time.Minute, nil, true, 1},
		{"en0", here, 4 * time.Minute, nil, true, 2},
		{"en0", there, time.Minute, nil, true, 3},
		{"en0", here, time.Minute, errors.New("took too long"), false, 4},
		{"en0", here, time.Minute, nil, false, 4},
	} {
		now, fails = now.Add(step.after), step.fails
		if _, ok := p.find(t.Context(), step.name, step.gateway, now); ok != step.ok || asked != step.asked {
			t.Errorf("%+v: %v, asked %d times", step, ok, asked)
		}
	}
}

func FuzzPointInSummary(f *testing.F) {
	f.Add(macFile(f, "summary.txt"))
	f.Add(macFile(f, "summary_redacted.txt"))
	f.Add("  BSSID : ::::: \n")
	f.Fuzz(func(t *testing.T, text string) {
		if m, ok := pointInSummary(text); ok && (!m.names() || !strings.Contains(text, "BSSID")) {
			t.Errorf("access point %v", m)
		}
	})
}
