package roster_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/farmhound-security/farmhound/collector/roster"
)

// listOf returns a list of so many of one thing.
func listOf(n int, of string) string { return "[" + strings.Repeat(of+",", n-1) + of + "]" }

func TestJSONHasBounds(t *testing.T) {
	t.Parallel()
	approval := `{"name": "x", "tool": "anydesk", "owner": "IT", "until": "2027-12-31"}`
	for name, test := range map[string]struct{ text, want string }{
		"entry":          {"[\n{\"serial\": \"A1\", \"role\": " + listOf(20_000, "1") + "}]", "r.json:2:32784: not valid JSON (an entry holds more than 16384 values)"},
		"entry of lists": {listOf(2, listOf(200, listOf(200, "1"))), "an entry holds more than 16384 values"},
		"unknown part":   {`{"people": {"a": ` + listOf(20_000, "1") + `}}`, "an entry holds more than 16384 values"},
		"fields":         {`[{` + strings.Repeat(`"x":1,`, 300) + `"serial":"A1"}]`, "an object has more than 256 fields"},
		"parts":          {`{` + manyParts(300) + `"laptops":[]}`, "the roster has more than 256 parts"},
		"approved tools": {`{"approved_tools": ` + listOf(10_001, approval) + `}`, "a list has more than 10000 entries"},
		"offices":        {`{"offices": ` + listOf(10_001, "1") + `}`, "a list has more than 10000 entries"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := roster.Read("r.json", strings.NewReader(test.text), known, false)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
	// Many entries of many values are good, and many lines have their numbers.
	f, problems := read(t, "[\n{\"serial\": \"A1\", \"x\": "+listOf(16_000, "1")+"},\n"+strings.Repeat("\n", 5000)+"{\"serial\": \"B1\", \"y\": "+listOf(16_000, "1")+"}]")
	if f.Laptops.Len() != 2 || len(problems) != 2 || problems[0].Line != 2 || problems[1].Line != 5003 || problems[1].Column != 18 {
		t.Errorf("%d laptops, problems %v", f.Laptops.Len(), problems)
	}
}

func manyParts(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `"p%d":0,`, i)
	}
	return text.String()
}

// Reading takes memory for what counts, not for everything that the text holds. It does
// not run beside other tests, whose memory would be taken for its own.
func TestAllocsOfJSONAreOfWhatCounts(t *testing.T) {
	const rows, values, most = 200, 10_000, 64 << 20
	var text strings.Builder
	padding := listOf(values, "1")
	for i := range rows {
		fmt.Fprintf(&text, `,{"serial":"S%d","x":%s,"approved_tools":"anydesk"}`, i, padding)
	}
	document := "[" + text.String()[1:] + "]"
	held := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, asked, after := held(), 0, uint64(0)
	f, _, err := roster.Read("r.json", strings.NewReader(document), func(string) bool {
		if asked++; asked == rows {
			after = held()
		}
		return true
	}, false)
	if err != nil || f.Laptops.Len() != rows {
		t.Fatalf("%d laptops, %v", f.Laptops.Len(), err)
	}
	if after > before+most {
		t.Errorf("%d bytes of text take %d, want at most %d", len(document), after-before, most)
	}
}
