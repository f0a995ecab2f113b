package proxies

import (
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAssignment(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][2]string{
		"https_proxy=http://a:1\n":           {"https_proxy", "http://a:1"},
		" export HTTP_PROXY=\"http://a:1\" ": {"HTTP_PROXY", "http://a:1"},
		"ALL_PROXY = 'socks5://a:1'":         {"ALL_PROXY", "socks5://a:1"},
		"A=":                                 {"A", ""},
		"#A=1":                               {},
		"A":                                  {},
	} {
		name, value, ok := Assignment(line)
		if got := [2]string{name, value}; got != want || ok != (want[0] != "") {
			t.Errorf("%q: %q, %v", line, got, ok)
		}
	}
}

// What stands in an inner dictionary or list is not the outer one's.
func TestParseScutil(t *testing.T) {
	t.Parallel()
	const text = "<dictionary> {\n  ExceptionsList : <array> {\n    0 : *.local\n    1 : HTTPEnable : 1\n  }\n" +
		"  HTTPSEnable : 1\n  HTTPSProxy : a.example\n  __SCOPED__ : <dictionary> {\n    en0 : <dictionary> {\n      HTTPEnable : 1\n    }\n  }\n}\n"
	got, ok := ParseScutil(text)
	want := Dictionary{Values: map[string]string{"HTTPSEnable": "1", "HTTPSProxy": "a.example"}, Exceptions: []string{"*.local", "HTTPEnable : 1"}}
	if diff := cmp.Diff(want, got); diff != "" || !ok || !got.On("HTTPSEnable") || got.On("HTTPEnable") {
		t.Errorf("%v: %s", ok, diff)
	}
	if got, ok := ParseScutil("No proxy configuration available\n}\n}\n"); ok || len(got.Values) != 0 {
		t.Errorf("of no dictionary: %+v", got)
	}
}

// record is a record as Windows writes it.
func record(flags uint32, texts ...string) []byte {
	data := binary.LittleEndian.AppendUint32([]byte{0x18, 0, 0, 0, 7, 0, 0, 0}, flags)
	for _, text := range texts {
		data = append(binary.LittleEndian.AppendUint32(data, uint32(len(text))), text...)
	}
	return data
}

func TestParseRecord(t *testing.T) {
	t.Parallel()
	whole := record(Direct|Manual, "http=a:1", "<local>", "http://x/p.pac")
	huge := binary.LittleEndian.AppendUint32(record(Manual), 1<<31)
	for _, tt := range []struct {
		name string
		data []byte
		want Record
		ok   bool
	}{
		{"whole", whole, Record{3, "http=a:1", "<local>", "http://x/p.pac"}, true},
		{"flags alone", whole[:12], Record{Flags: 3}, true},
		{"torn in the second text", whole[:12+4+8+4+3], Record{Flags: 3, Servers: "http=a:1"}, true},
		{"a length that leads out", huge, Record{Flags: 2}, true},
		{"without flags", whole[:11], Record{}, false},
		{"nothing", nil, Record{}, false},
	} {
		if got, ok := ParseRecord(tt.data); got != tt.want || ok != tt.ok {
			t.Errorf("%s: %+v, %v", tt.name, got, ok)
		}
	}
}

func FuzzProxies(f *testing.F) {
	f.Add(record(Manual|Script, "http=a:1;https=b:2", "<local>;*.corp", "http://x/p.pac"))
	f.Add([]byte("<dictionary> {\n  ExceptionsList : <array> {\n    0 : *.local\n  }\n  HTTPEnable : 1\n}\n"))
	f.Add([]byte("export HTTPS_PROXY='http://u:p@a:1'"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if r, ok := ParseRecord(data); len(r.Servers)+len(r.Exceptions)+len(r.Script) > len(data) || !ok && r != (Record{}) {
			t.Errorf("record %+v", r)
		}
		if d, _ := ParseScutil(string(data)); len(d.Values)+len(d.Exceptions) > len(data) {
			t.Errorf("dictionary %+v", d)
		}
		if name, value, ok := Assignment(string(data)); len(name)+len(value) > len(data) || !ok && name != "" {
			t.Errorf("assignment %q, %q", name, value)
		}
	})
}
