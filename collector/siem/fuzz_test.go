package siem

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// FuzzFinding: whatever a laptop calls itself, its tools and its peers, a finding
// is one line of JSON that says what it was given and cannot break out of its line.
func FuzzFinding(f *testing.F) {
	f.Add("lap-1", "AnyDesk", "198.51.100.7", "reason")
	f.Add("\x1b[31m\r\n{\"a\":1}", "</script><script>", "\u202e\u2028\u2029", "\x00\xff\xfe")
	f.Add("a\u2002b\u00a0c", "en space", "\u3000", "spaces that end no line stay as they are")
	f.Add("=cmd|' /C calc'!A0", "${jndi:ldap://x}", "\ufeff", "`$(id)`")
	f.Fuzz(func(t *testing.T, name, tool, address, reason string) {
		for _, s := range []*string{&name, &tool, &address, &reason} {
			*s = strings.ToValidUTF8(*s, "?") // the door lets no other string in
		}
		a, dev := exampleAlert()
		a.Serial, a.Person, a.Reason, a.Title = name, reason, reason, tool
		e := a.GetAssessment().GetEvidence()[0]
		e.Because, e.Title, e.Benign, e.Attack = reason, tool, []string{name}, []string{tool}
		a.GetAssessment().GetQuestions().GetRemote().Sentence = reason
		dev.Serial, dev.GetSystem().Hostname, dev.GetEgress().Address = name, name, address
		dev.GetOperator().Peers = []*fleetv1.Peer{{Address: address, Tool: tool}}
		line, err := Finding(a, dev, "opened", time.Unix(1, 0))
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(line) || bytes.ContainsFunc(line, func(r rune) bool {
			return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp) || r >= '\u202a' && r <= '\u202e'
		}) {
			t.Errorf("not one line of JSON: %q", line)
		}
		var back struct {
			StatusDetail string `json:"status_detail"`
		}
		if err := json.Unmarshal(line, &back); err != nil || back.StatusDetail != reason {
			t.Errorf("the reason %q became %q: %v", reason, back.StatusDetail, err)
		}
	})
}
