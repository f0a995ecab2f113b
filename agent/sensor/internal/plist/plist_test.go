package plist

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
)

// TestParseBothForms reads one list that another implementation wrote in both forms.
func TestParseBothForms(t *testing.T) {
	t.Parallel()
	raw := make([]byte, 40)
	for i := range raw {
		raw[i] = byte(i)
	}
	many := []Value{}
	for i := range int64(20) {
		many = append(many, i)
	}
	beyond := uint64(1<<63 + 5)
	want := Dict{
		"CFBundleIdentifier": "com.example.Viewer", "CFBundleExecutable": "Viewer & <Co>", "LSMinimumSystemVersion": "11.0",
		"Name": "Übertragung 日本", "RunAtLoad": true, "Disabled": false, "Version": int64(-7), "Big": int64(beyond), "Ratio": 1.5,
		"InstallDate": time.Date(2024, 7, 21, 6, 24, 38, 0, time.UTC), "Hash": raw, "ProgramArguments": []Value{"/bin/a", "--b"},
		"KeepAlive": Dict{"SuccessfulExit": false}, "Long": strings.Repeat("x", 300), "Many": many, "Empty": "",
		"None": []Value{}, "Nothing": Dict{},
	}
	for _, name := range []string{"xml.plist", "binary.plist"} {
		got, err := Read(host.Host{Root: "testdata"}, "/"+name)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestDict(t *testing.T) {
	t.Parallel()
	d := Dict{"yes": true, "no": false, "one": int64(1), "text": "a", "inner": Dict{"b": "c"}, "list": []Value{"d"}}
	if !d.Is("yes") || d.Is("no") || !d.Is("one") || d.Is("text") || d.Is("absent") || d.Bool("absent") != nil {
		t.Error("truth values are read wrong")
	}
	if d.Text("text") != "a" || d.Text("yes") != "" || d.Dict("inner").Text("b") != "c" || d.Dict("text").Text("b") != "" ||
		len(d.List("list")) != 1 || d.List("text") != nil {
		t.Error("other values are read wrong")
	}
}

func TestParseXMLForms(t *testing.T) {
	t.Parallel()
	const head = `<?xml version="1.0"?><!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "x.dtd"><!-- c --><plist version="1.0">`
	tests := map[string]struct {
		list string
		want Value
	}{
		"entities":      {`<string>&lt;&#65;&#x42;&amp;&quot;&apos;</string>`, `<AB&"'`},
		"CDATA":         {`<string>a<![CDATA[<b>&]]>c</string>`, "a<b>&c"},
		"comment":       {`<string>a<!-- <b> -->c</string>`, "ac"},
		"empty string":  {`<string/>`, ""},
		"hexadecimal":   {`<integer>0x1f</integer>`, int64(31)},
		"attributes":    {`<integer size="32" ID="4">7</integer>`, int64(7)},
		"spaced truth":  {`<true />`, true},
		"no number":     {`<integer>seven</integer>`, nil},
		"no date":       {`<date>yesterday</date>`, nil},
		"no base64":     {`<data>!</data>`, nil},
		"real":          {`<real>0.25</real>`, 0.25},
		"array without": {`<array/>`, []Value{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Parse([]byte(head + "<dict><key>k</key>" + test.list + "</dict></plist>"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(Dict{"k": test.want}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	nested := func(n int) string {
		return "<plist><dict><key>a</key>" + strings.Repeat("<array>", n) + strings.Repeat("</array>", n) + "</dict></plist>"
	}
	tests := map[string]struct {
		list string
		want error
	}{
		"nothing":          {"", errNoList},
		"text":             {"hello", errNoList},
		"array on top":     {"<plist><array/></plist>", errNoList},
		"defined entities": {`<!DOCTYPE plist [<!ENTITY a "aaaa">]><plist><dict/></plist>`, errNoList},
		"unknown entity":   {"<plist><dict><key>a</key><string>&b;</string></dict></plist>", errNoList},
		"unknown element":  {"<plist><dict><key>a</key><b/></dict></plist>", errNoList},
		"no key":           {"<plist><dict><string>a</string></dict></plist>", errNoList},
		"open dictionary":  {"<plist><dict><key>a</key><true/>", errNoList},
		"wrong end":        {"<plist><dict><key>a</string></dict></plist>", errNoList},
		"deep":             {nested(maxDepth + 2), errBounds},
		"many values":      {"<plist><dict><key>a</key><array>" + strings.Repeat("<true/>", maxValues) + "</array></dict></plist>", errBounds},
		"large":            {strings.Repeat(" ", MaxSize+1), errBounds},
		"not UTF-8":        {"<plist><dict>\xff</dict></plist>", errNoList},
		"binary cut off":   {"bplist00", errNoList},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := Parse([]byte(test.list)); !errors.Is(err, test.want) {
				t.Errorf("got %v and error %v, want %v", got, err, test.want)
			}
		})
	}
	if _, err := Parse([]byte(nested(maxDepth - 2))); err != nil {
		t.Errorf("within bounds: %v", err)
	}
}

// binaryOf builds a binary list of objects that are given as bytes, with numbers of one byte.
func binaryOf(objects ...string) []byte {
	out := []byte("bplist00")
	var table []byte
	for _, o := range objects {
		table = append(table, byte(len(out)))
		out = append(out, o...)
	}
	at := uint64(len(out))
	out = append(out, table...)
	out = append(out, 0, 0, 0, 0, 0, 0, 1, 1)
	out = binary.BigEndian.AppendUint64(out, uint64(len(objects)))
	out = binary.BigEndian.AppendUint64(out, 0)
	return binary.BigEndian.AppendUint64(out, at)
}

func TestParseBinaryRefuses(t *testing.T) {
	t.Parallel()
	// Every array names the next one many times: little to store, very much to read.
	bomb := []string{"\xd1\x01\x02", "\x51a"}
	for i := range 8 {
		bomb = append(bomb, "\xaf\x10\x14"+strings.Repeat(string(rune(3+i)), 20))
	}
	bomb = append(bomb, "\x09")
	tests := map[string]struct {
		list []byte
		want error
	}{
		"itself":          {binaryOf("\xd1\x01\x00", "\x51a"), errBounds},
		"grows":           {binaryOf(bomb...), errBounds},
		"array on top":    {binaryOf("\xa0"), errNoList},
		"no such object":  {binaryOf("\xd1\x01\x09", "\x51a"), errNoList},
		"key is no text":  {binaryOf("\xd1\x01\x01", "\x09"), errNoList},
		"text cut off":    {binaryOf("\xd1\x01\x02", "\x51a", "\x5f\x11\xff\xff"), errNoList},
		"size is no size": {binaryOf("\xd1\x01\x02", "\x51a", "\x5f\x09"), errNoList},
		"size overflows":  {binaryOf("\xd1\x01\x02", "\x51a", "\x6f\x13\xff\xff\xff\xff\xff\xff\xff\xff"), errBounds},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := Parse(test.list); !errors.Is(err, test.want) {
				t.Errorf("got %v and error %v, want %v", got, err, test.want)
			}
		})
	}
	whole, err := os.ReadFile("testdata/binary.plist")
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(whole) {
		if _, err := Parse(whole[:cut]); err == nil {
			t.Errorf("no error for the first %d of %d bytes", cut, len(whole))
		}
	}
}

func TestReadRefusesWhatIsNoFile(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "folder.plist"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "large.plist"), bytes.Repeat([]byte(" "), MaxSize+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"/folder.plist", "/large.plist", "/absent.plist"} {
		if _, err := Read(host.Host{Root: root}, name); err == nil {
			t.Errorf("no error for %s", name)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"testdata/xml.plist", "testdata/binary.plist"} {
		if data, err := os.ReadFile(name); err == nil {
			f.Add(data)
		}
	}
	f.Add(binaryOf("\xd1\x01\x00", "\x51a"))
	f.Add([]byte("<plist><dict><key>a</key><string>&#x41;<![CDATA[b]]></string></dict></plist>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Parse(data)
		if (d == nil) == (err == nil) {
			t.Fatalf("list %v and error %v", d, err)
		}
		for key := range d {
			d.Text(key)
			d.Bool(key)
			d.Dict(key)
			d.List(key)
		}
	})
}
