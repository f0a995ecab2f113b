package geo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	"go.uber.org/goleak"

	"github.com/farmhound-security/farmhound/collector/fleet"
	"github.com/farmhound-security/farmhound/collector/geo"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type (
	record   = mmdbtype.Map
	networks = map[string]mmdbtype.DataType
	text     = mmdbtype.String
)

// Real layouts with addresses for documentation.
var (
	city = networks{
		"203.0.113.0/25": record{
			"continent":          record{"code": text("NA"), "names": record{"en": text("North America"), "de": text("Nordamerika")}},
			"country":            record{"geoname_id": mmdbtype.Uint32(6252001), "iso_code": text("US"), "names": record{"en": text("United States")}},
			"registered_country": record{"iso_code": text("CA")},
			"subdivisions": mmdbtype.Slice{
				record{"iso_code": text("OH"), "names": record{"en": text("Ohio")}},
				record{"iso_code": text("XX")},
			},
			"location": record{"latitude": mmdbtype.Float64(39.96), "longitude": mmdbtype.Float64(-82.99), "accuracy_radius": mmdbtype.Uint16(20)},
		},
		"203.0.113.128/25": record{"country": record{"iso_code": text("CN")}},
		"2001:db8:1::/48":  record{"country": record{"iso_code": text("DE")}, "subdivisions": mmdbtype.Slice{record{"iso_code": text("BE")}}},
	}
	asns = networks{
		"203.0.113.0/24": record{"autonomous_system_number": mmdbtype.Uint32(64500), "autonomous_system_organization": text("Example Cable")},
		"198.18.0.0/16":  record{"autonomous_system_number": mmdbtype.Uint32(4294967294), "autonomous_system_organization": text("Example Hosting")},
	}
	anonymous = networks{
		"198.18.0.0/24": record{"is_anonymous": mmdbtype.Bool(true), "is_hosting_provider": mmdbtype.Bool(true)},
		"198.18.1.0/24": record{"is_anonymous": mmdbtype.Bool(true), "is_anonymous_vpn": mmdbtype.Bool(true)},
		"198.18.2.0/24": record{"is_anonymous": mmdbtype.Bool(true), "is_public_proxy": mmdbtype.Bool(true)},
		"198.18.3.0/24": record{"is_anonymous": mmdbtype.Bool(true), "is_residential_proxy": mmdbtype.Bool(true)},
		"198.18.4.0/24": record{"is_anonymous": mmdbtype.Bool(true), "is_tor_exit_node": mmdbtype.Bool(true)},
		"198.18.5.0/24": record{"is_anonymous": mmdbtype.Bool(true)},
		"198.18.6.0/24": record{"is_anonymous": mmdbtype.Bool(false), "is_hosting_provider": mmdbtype.Bool(false)},
	}
	lite = networks{
		"203.0.113.0/24": record{
			"country": text("Canada"), "country_code": text("CA"), "continent": text("North America"), "continent_code": text("NA"),
			"asn": text("AS64501"), "as_name": text("Example Lite"), "as_domain": text("example.net"),
		},
		"192.0.2.0/24": record{"country": text("jp"), "asn": text("AS2519"), "as_name": text("Example Flat")}, // the older flat layout
	}
)

// build makes a database of the networks, in the tree of the IP version.
func build(t testing.TB, kind string, version int, built time.Time, of networks) []byte {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: kind, IPVersion: version, BuildEpoch: built.Unix(), IncludeReservedNetworks: true})
	if err != nil {
		t.Fatal(err)
	}
	for prefix, data := range of {
		_, network, err := net.ParseCIDR(prefix)
		if err != nil {
			t.Fatal(err)
		}
		if err := tree.Insert(network, data); err != nil {
			t.Fatalf("insert %s: %v", prefix, err)
		}
	}
	var out bytes.Buffer
	if _, err := tree.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// put replaces a file as an updater does: complete, and at once.
func put(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, of networks) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.mmdb")
	put(t, path, build(t, "Test", 6, time.Now(), of))
	return path
}

func openAll(t testing.TB, paths ...string) *geo.Database {
	t.Helper()
	d, err := geo.Open(t.Context(), paths, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func TestPlace(t *testing.T) {
	t.Parallel()
	ohio := fleet.Place{Country: "US", Region: "OH", Latitude: 39.96, Longitude: -82.99}
	with := func(p fleet.Place, change func(*fleet.Place)) fleet.Place { change(&p); return p }
	hosted := fleet.Place{ASN: 4294967294, ASName: "Example Hosting"}
	for _, tt := range []struct {
		name  string
		files []networks
		addr  string
		want  fleet.Place
	}{
		{"city", []networks{city}, "203.0.113.9", ohio},
		{"IPv4 as IPv6", []networks{city}, "::ffff:203.0.113.9", ohio},
		{"country only", []networks{city}, "203.0.113.200", fleet.Place{Country: "CN"}},
		{"IPv6", []networks{city}, "2001:db8:1::7", fleet.Place{Country: "DE", Region: "BE"}},
		{"IPv6 with a zone", []networks{city}, "2001:db8:1::7%eth0", fleet.Place{Country: "DE", Region: "BE"}},
		{"nothing there", []networks{city, asns}, "192.0.2.1", fleet.Place{}},
		{"city and network", []networks{city, asns}, "203.0.113.9", with(ohio, func(p *fleet.Place) { p.ASN, p.ASName = 64500, "Example Cable" })},
		{"the earlier is believed", []networks{city, asns, lite}, "203.0.113.9", with(ohio, func(p *fleet.Place) { p.ASN, p.ASName = 64500, "Example Cable" })},
		{"of another country no region", []networks{lite, city}, "203.0.113.9", fleet.Place{Country: "CA", ASN: 64501, ASName: "Example Lite"}},
		{"flat", []networks{lite}, "203.0.113.9", fleet.Place{Country: "CA", ASN: 64501, ASName: "Example Lite"}},
		{"flat, older", []networks{lite}, "192.0.2.9", fleet.Place{Country: "JP", ASN: 2519, ASName: "Example Flat"}},
		{"hosting is not anonymous", []networks{asns, anonymous}, "198.18.0.1", with(hosted, func(p *fleet.Place) { p.Hosting = true })},
		{"VPN", []networks{anonymous, asns}, "198.18.1.1", with(hosted, func(p *fleet.Place) { p.VPN = true })},
		{"public proxy", []networks{anonymous}, "198.18.2.1", fleet.Place{Proxy: true}},
		{"residential proxy", []networks{anonymous}, "198.18.3.1", fleet.Place{Proxy: true}},
		{"Tor", []networks{anonymous}, "198.18.4.1", fleet.Place{Tor: true}},
		{"anonymous and no more", []networks{anonymous}, "198.18.5.1", fleet.Place{Anonymous: true}},
		{"flags that are not set", []networks{anonymous}, "198.18.6.1", fleet.Place{}},
		{"all in one record", []networks{{"198.18.9.0/24": record{
			"country": record{"iso_code": text("us")}, "subdivisions": mmdbtype.Slice{record{"iso_code": text("US-TX")}},
			"location":                 record{"latitude": mmdbtype.Float32(31.5), "longitude": mmdbtype.Float64(-97)},
			"autonomous_system_number": mmdbtype.Uint16(64502), "as_name": text("Lab"), "is_anonymous_vpn": mmdbtype.Bool(true),
		}}}, "198.18.9.9", fleet.Place{Country: "US", Region: "TX", Latitude: 31.5, Longitude: -97, ASN: 64502, ASName: "Lab", VPN: true}},
		{"traits", []networks{{"198.18.9.0/24": record{"traits": record{"autonomous_system_number": mmdbtype.Uint32(7), "is_hosting_provider": mmdbtype.Bool(true)}}}},
			"198.18.9.9", fleet.Place{ASN: 7, Hosting: true}},
		{"what cannot be is left out", []networks{{"198.18.9.0/24": record{
			"country": record{"iso_code": text("A1")}, "subdivisions": mmdbtype.Slice{record{"iso_code": text("?")}, mmdbtype.Bool(true)},
			"location": record{"latitude": mmdbtype.Float64(91), "longitude": mmdbtype.Float64(0)},
			"asn":      text("AS99999999999"), "as_name": text("bad\xffname"), "is_anonymous_vpn": text("true"), "region_code": mmdbtype.Uint32(1),
		}}}, "198.18.9.9", fleet.Place{ASName: "bad\uFFFDname"}},
		{"a long name", []networks{{"198.18.9.0/24": record{"as_name": text(strings.Repeat("é", 100))}}}, "198.18.9.9", fleet.Place{ASName: strings.Repeat("é", 64)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var paths []string
			for _, n := range tt.files {
				paths = append(paths, write(t, n))
			}
			got, ok := openAll(t, paths...).Place(netip.MustParseAddr(tt.addr))
			if ok != (tt.want != fleet.Place{}) {
				t.Errorf("known: %v", ok)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNoFilesKnowNothing(t *testing.T) {
	t.Parallel()
	d := openAll(t)
	for _, addr := range []netip.Addr{netip.MustParseAddr("203.0.113.9"), {}} {
		if p, ok := d.Place(addr); ok {
			t.Errorf("%v is at %+v", addr, p)
		}
	}
}

func TestIPv4OnlyFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "v4.mmdb")
	put(t, path, build(t, "Test", 4, time.Now(), networks{"203.0.113.0/24": record{"country_code": text("US")}}))
	d := openAll(t, path)
	for addr, want := range map[string]bool{"203.0.113.1": true, "::ffff:203.0.113.1": true, "2001:db8::1": false} {
		if _, ok := d.Place(netip.MustParseAddr(addr)); ok != want {
			t.Errorf("%s known: %v, want %v", addr, ok, want)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good := build(t, "Test", 6, time.Now(), city)
	for name, content := range map[string][]byte{
		"empty.mmdb": {},
		"text.mmdb":  []byte("country,US\n"),
		"torn.mmdb":  good[:len(good)-len(good)/4],
		"tail.mmdb":  good[len(good)/2:],
		"other.mmdb": build(t, "Domain", 6, time.Now(), networks{"203.0.113.0/24": record{"domain": text("example.net")}}),
	} {
		put(t, filepath.Join(dir, name), content)
	}
	for name, want := range map[string]string{
		"empty.mmdb": "not a whole MMDB file",
		"text.mmdb":  "not a whole MMDB file",
		"torn.mmdb":  "not a whole MMDB file",
		"tail.mmdb":  "not a whole MMDB file",
		"other.mmdb": `"Domain"`,
		"none.mmdb":  "put an MMDB file there",
		".":          "not a regular file",
	} {
		path := filepath.Join(dir, name)
		_, err := geo.Open(t.Context(), []string{path}, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want the path and %q", name, err, want)
		}
		if missing := name == "none.mmdb"; errors.Is(err, fs.ErrNotExist) != missing {
			t.Errorf("%s: missing: %v", name, !missing)
		}
	}
}

// logged is a buffer that a logger may write to while it is read.
type logged struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// take returns what was logged since it was last called.
func (l *logged) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.b.Reset()
	return l.b.String()
}

func TestNewerVersions(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "places.mmdb")
	in := func(code string) []byte {
		return build(t, "Test", 6, time.Now(), networks{"203.0.113.0/24": record{"country_code": text(code)}})
	}
	content := map[string][]byte{"US": in("US"), "CN": in("CN"), "RU": in("RU")}
	put(t, path, content["US"])
	synctest.Test(t, func(t *testing.T) {
		var log logged
		d, err := geo.OpenEvery(t.Context(), []string{path}, time.Minute, time.Now, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		for i, step := range []struct {
			change  func()
			country string
			logs    string // a word of the log; empty for silence
		}{
			{func() {}, "US", "geography file read"},
			{func() {}, "US", ""},
			{func() { put(t, path, content["CN"]) }, "CN", "geography file read"},
			{func() { put(t, path, content["CN"][:200]) }, "CN", "stays in use"},
			{func() {}, "CN", ""}, // said once
			{func() { put(t, path, content["RU"]) }, "RU", "geography file read"},
			{func() { remove(t, path) }, "RU", "stays in use"},
			{func() {}, "RU", ""},
			{func() { put(t, path, content["US"]) }, "US", "geography file read"},
		} {
			step.change()
			time.Sleep(time.Minute)
			synctest.Wait()
			if p, ok := d.Place(netip.MustParseAddr("203.0.113.5")); !ok || p.Country != step.country {
				t.Errorf("step %d: %q, want %q", i, p.Country, step.country)
			}
			if got := log.take(); (got == "") != (step.logs == "") || !strings.Contains(got, step.logs) {
				t.Errorf("step %d logged %q, want %q", i, got, step.logs)
			}
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func TestOldFileIsSaidOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "places.mmdb")
	// Synthetic time begins at the start of 2000.
	began := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	put(t, path, build(t, "Test", 6, began, city))
	synctest.Test(t, func(t *testing.T) {
		var log logged
		d, err := geo.OpenEvery(t.Context(), []string{path}, time.Hour, time.Now, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			days int
			want int
		}{{29, 0}, {31, 1}, {60, 0}} {
			time.Sleep(time.Until(began.Add(time.Duration(step.days) * 24 * time.Hour)))
			synctest.Wait()
			if got := strings.Count(log.take(), "geography file is old"); got != step.want {
				t.Errorf("after %d days: said %d times, want %d", step.days, got, step.want)
			}
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestEndOfContextEndsLooking(t *testing.T) {
	t.Parallel()
	path := write(t, city)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		if _, err := geo.OpenEvery(ctx, []string{path}, time.Minute, time.Now, slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
		cancel()
		synctest.Wait() // the bubble fails if a goroutine is left
	})
}

func TestLookupsWhileFilesChange(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "places.mmdb")
	content := build(t, "Test", 6, time.Now(), city)
	put(t, path, content)
	d, err := geo.OpenEvery(t.Context(), []string{path}, time.Millisecond, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 2000 {
				if p, ok := d.Place(netip.MustParseAddr("203.0.113.5")); !ok || p.Region != "OH" {
					t.Errorf("got %+v, %v", p, ok)
					return
				}
			}
		})
	}
	for range 20 {
		put(t, path, content)
	}
	group.Wait()
}

// require returns where a program is, or skips; where everything is required, it fails.
func require(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	switch {
	case err == nil:
		return path
	case os.Getenv("FARMHOUND_TEST_REQUIRE") == "all":
		t.Fatalf("this test needs the program %s", program)
	default:
		t.Skipf("this test needs the program %s", program)
	}
	return ""
}

func TestAgreesWithMmdblookup(t *testing.T) {
	t.Parallel()
	program := require(t, "mmdblookup")
	path := write(t, city)
	d := openAll(t, path)
	for _, addr := range []string{"203.0.113.9", "203.0.113.127", "203.0.113.128", "203.0.113.255", "2001:db8:1::7"} {
		out, err := exec.CommandContext(t.Context(), program, "--file", path, "--ip", addr, "country", "iso_code").Output()
		if err != nil {
			t.Fatalf("%s: %v", addr, err)
		}
		// It prints:   "US" <utf8_string>
		quoted, _, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
		var want string
		if err := json.Unmarshal([]byte(quoted), &want); err != nil {
			t.Fatalf("%s: %q: %v", addr, out, err)
		}
		if p, ok := d.Place(netip.MustParseAddr(addr)); !ok || p.Country != want {
			t.Errorf("%s: %q, mmdblookup says %q", addr, p.Country, want)
		}
	}
}

func FuzzDatabase(f *testing.F) {
	for _, n := range []networks{city, asns, anonymous, lite} {
		f.Add(build(f, "Test", 6, time.Unix(1, 0), n), []byte{203, 0, 113, 9})
	}
	f.Add([]byte("\xab\xcd\xefMaxMind.com"), []byte{})
	f.Fuzz(func(t *testing.T, content, at []byte) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		d, err := geo.Parse(ctx, content)
		if err != nil {
			return
		}
		for _, addr := range []netip.Addr{
			netip.MustParseAddr("203.0.113.9"), netip.MustParseAddr("2001:db8:1::7"), netip.MustParseAddr("::"), netip.MustParseAddr("255.255.255.255"),
		} {
			checkPlace(t, d, addr)
		}
		if addr, ok := netip.AddrFromSlice(at); ok {
			checkPlace(t, d, addr)
		}
	})
}

func checkPlace(t *testing.T, d *geo.Database, addr netip.Addr) {
	t.Helper()
	p, ok := d.Place(addr)
	if ok != (p != fleet.Place{}) || len(p.Country) != 0 && len(p.Country) != 2 || len(p.Region) > 3 || len(p.ASName) > 128 ||
		!(p.Latitude >= -90 && p.Latitude <= 90 && p.Longitude >= -180 && p.Longitude <= 180) {
		t.Errorf("%s is at %+v, %v", addr, p, ok)
	}
}

func BenchmarkPlace(b *testing.B) {
	d := openAll(b, write(b, city), write(b, asns), write(b, anonymous))
	addr := netip.MustParseAddr("203.0.113.9")
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := d.Place(addr); !ok {
			b.Fatal("not found")
		}
	}
}
