package fieldrules

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

var observed = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func reportValidator(tb testing.TB) *Validator {
	tb.Helper()
	v, err := Compile((&farmhoundv1.Report{}).ProtoReflect().Descriptor())
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// fullReport holds every kind of field that the rules distinguish.
func fullReport() *farmhoundv1.Report {
	hash := []byte("0123456789abcdef")
	return &farmhoundv1.Report{
		BootId:     "00112233445566778899aabbccddeeff",
		Sequence:   7,
		ObservedAt: timestamppb.New(observed),
		System:     &farmhoundv1.System{Serial: "PF-3XYZ", Manufacturer: "Lenovo", Model: "ThinkPad X1 – Größe", Hostname: "lt-1"},
		Software: &farmhoundv1.Software{Tools: []*farmhoundv1.Tool{
			{Id: "sshd", Version: "9.6p1", Running: true, ListeningPorts: []uint32{22}},
			{Id: "x11vnc", FoundBy: []farmhoundv1.FoundBy{farmhoundv1.FoundBy_FOUND_BY_PROCESS}, InstallationHash: hash},
		}},
		RemoteSessions: []*farmhoundv1.RemoteSession{{
			Id: "0011223344", Tool: "x11vnc", StartedAt: timestamppb.New(observed),
			Peer: "2001:db8::7", RttMinMs: proto.Float64(120.5), AccountHash: hash,
		}},
		Network: &farmhoundv1.Network{
			GatewayHash: hash, Resolvers: []farmhoundv1.ResolverKind{farmhoundv1.ResolverKind_RESOLVER_KIND_LAN},
			Neighbours: &farmhoundv1.Neighbours{Reachable: 3, FleetMembers: [][]byte{hash, hash}},
		},
		Place:   &farmhoundv1.Place{TimeZone: "America/Argentina/Buenos_Aires", UtcOffsetMinutes: proto.Int32(-180)},
		Windows: []*farmhoundv1.Window{{StartedAt: timestamppb.New(observed), Seconds: 300, ActiveSeconds: proto.Uint32(0)}},
		Health:  &farmhoundv1.Health{CpuSeconds: 1.5, Senses: []*farmhoundv1.Sense{{Name: "software", Detail: "not every process can be read"}}},
	}
}

func TestValidateReport(t *testing.T) {
	t.Parallel()
	validator := reportValidator(t)
	cases := []struct {
		name   string
		change func(*farmhoundv1.Report)
		want   string
	}{
		{"all in order", func(*farmhoundv1.Report) {}, ""},
		{"empty hash is absent", func(r *farmhoundv1.Report) { r.Network.GatewayHash = nil }, ""},
		{"unknown enum number", func(r *farmhoundv1.Report) { r.System.Os = 99 }, ""},
		{"required time missing", func(r *farmhoundv1.Report) { r.ObservedAt = nil }, "observed_at: is required"},
		{"required string missing", func(r *farmhoundv1.Report) { r.Software.Tools[1].Id = "" }, "software.tools[1].id: is required"},
		{"token", func(r *farmhoundv1.Report) { r.Software.Tools[1].Id = "a b" },
			`software.tools[1].id: holds more than letters, digits and ._-:/+@~: "a b"`},
		{"hex is lower case", func(r *farmhoundv1.Report) { r.BootId = "00112233445566AA" },
			`boot_id: holds more than lower-case hexadecimal digits: "00112233445566AA"`},
		{"too short", func(r *farmhoundv1.Report) { r.BootId = "00" }, "boot_id: is 2 bytes long, shorter than 16"},
		{"too long in bytes, not characters", func(r *farmhoundv1.Report) { r.System.Model = strings.Repeat("ö", 33) },
			"system.model: is 66 bytes long, longer than 64"},
		{"wrong hash length", func(r *farmhoundv1.Report) { r.Network.GatewayHash = []byte("short") },
			"network.gateway_hash: is 5 bytes long, must be 16"},
		{"empty element of a list", func(r *farmhoundv1.Report) { r.Network.Neighbours.FleetMembers[1] = nil },
			"network.neighbours.fleet_members[1]: is 0 bytes long, must be 16"},
		{"hostile value is escaped", func(r *farmhoundv1.Report) { r.System.Hostname = "\x1b]0;owned\x07" },
			`system.hostname: holds characters that do not print: "\x1b]0;owned\a"`},
		{"hostile value is bounded", func(r *farmhoundv1.Report) { r.System.Hostname = "\u202e" + strings.Repeat("x", 50) },
			`system.hostname: holds characters that do not print: "\u202exxxxxxxxxxxxxxxxxxxxx"...`},
		{"invalid UTF-8", func(r *farmhoundv1.Report) { r.System.Hostname = "a\xff" }, `system.hostname: is not valid UTF-8: "a\xff"`},
		{"line separator", func(r *farmhoundv1.Report) { r.System.Hostname = "a\u2028b" },
			`system.hostname: holds characters that do not print: "a\u2028b"`},
		{"address with zone", func(r *farmhoundv1.Report) { r.RemoteSessions[0].Peer = "fe80::1%eth0" },
			`remote_sessions[0].peer: is not an IP address without port and zone: "fe80::1%eth0"`},
		{"too many items", func(r *farmhoundv1.Report) { r.Software.Tools[0].ListeningPorts = make([]uint32, 33) },
			"software.tools[0].listening_ports: has 33 items, more than 32"},
		{"element out of range", func(r *farmhoundv1.Report) { r.Software.Tools[0].ListeningPorts = []uint32{22, 70000} },
			"software.tools[0].listening_ports[1]: is 70000, above 65535"},
		{"zero is below a minimum without presence", func(r *farmhoundv1.Report) { r.Windows[0].Seconds = 0 },
			"windows[0].seconds: is 0, below 1"},
		{"negative", func(r *farmhoundv1.Report) { r.Place.UtcOffsetMinutes = proto.Int32(-1081) },
			"place.utc_offset_minutes: is -1081, below -1080"},
		{"not a number", func(r *farmhoundv1.Report) { r.RemoteSessions[0].RttMinMs = proto.Float64(math.NaN()) },
			"remote_sessions[0].rtt_min_ms: is not a finite number"},
		{"infinite", func(r *farmhoundv1.Report) { r.Health.CpuSeconds = math.Inf(1) }, "health.cpu_seconds: is not a finite number"},
		{"before 1970", func(r *farmhoundv1.Report) { r.ObservedAt = &timestamppb.Timestamp{Seconds: -1} },
			"observed_at: is -1 s after 1970, outside the years 1970 to 2199"},
		{"the year 2200", func(r *farmhoundv1.Report) {
			r.ObservedAt = timestamppb.New(time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC))
		}, "observed_at: is 7258118400 s after 1970, outside the years 1970 to 2199"},
		{"nanoseconds", func(r *farmhoundv1.Report) { r.ObservedAt.Nanos = 1_000_000_000 },
			"observed_at: has 1000000000 nanoseconds, outside one second"},
		{"nil element", func(r *farmhoundv1.Report) { r.Software.Tools[0] = nil }, "software.tools[0].id: is required"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			report := fullReport()
			c.change(report)
			err := validator.Validate(report)
			got := ""
			if err != nil {
				got = err.Error()
				if v := new(Violation); !errors.As(err, &v) {
					t.Errorf("%T is not a *Violation", err)
				}
			}
			if got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestValidateDuration(t *testing.T) {
	t.Parallel()
	validator, err := Compile((&farmhoundv1.ReportAck{}).ProtoReflect().Descriptor())
	if err != nil {
		t.Fatal(err)
	}
	for want, d := range map[string]*durationpb.Duration{
		"": durationpb.New(time.Minute),
		"policy.scan_interval: has seconds and nanoseconds of different sign":    {Seconds: 1, Nanos: -1},
		"policy.scan_interval: is 315576000001 s long, longer than 10,000 years": {Seconds: longestDuration + 1},
		"policy.scan_interval: has -1000000000 nanoseconds, outside one second":  {Nanos: -1_000_000_000},
	} {
		err := validator.Validate(&farmhoundv1.ReportAck{Policy: &farmhoundv1.Policy{ScanInterval: d}})
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestValidateRefusesOtherTypes(t *testing.T) {
	t.Parallel()
	validator := reportValidator(t)
	if err := validator.Validate(&farmhoundv1.System{}); err == nil {
		t.Error("a System passed as a Report")
	}
	if err := validator.Validate(nil); err == nil {
		t.Error("nil passed as a Report")
	}
	var absent *farmhoundv1.Report
	if err := validator.Validate(absent); err == nil {
		t.Error("a nil Report passed although observed_at is required")
	}
}

// Every message that travels has rules that fit.
func TestCompileContract(t *testing.T) {
	t.Parallel()
	for _, m := range []proto.Message{
		&farmhoundv1.ReportBatch{}, &farmhoundv1.ReportAck{}, &farmhoundv1.CatalogRequest{}, &farmhoundv1.CatalogResponse{},
		&farmhoundv1.EnrollRequest{}, &farmhoundv1.EnrollResponse{}, &farmhoundv1.RenewRequest{}, &farmhoundv1.RenewResponse{},
	} {
		if _, err := Compile(m.ProtoReflect().Descriptor()); err != nil {
			t.Error(err)
		}
	}
}

func TestPurpose(t *testing.T) {
	t.Parallel()
	fields := (&farmhoundv1.Report{}).ProtoReflect().Descriptor().Fields()
	if got, want := Purpose(fields.ByName("place")), "The time zone that is set."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	rules := (&farmhoundv1.FieldRules{}).ProtoReflect().Descriptor().Fields()
	if got := Purpose(rules.ByName("purpose")); got != "" {
		t.Errorf("a field without rules has purpose %q", got)
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	const (
		token     = farmhoundv1.CharacterClass_CHARACTER_CLASS_TOKEN
		printable = farmhoundv1.CharacterClass_CHARACTER_CLASS_PRINTABLE
		address   = farmhoundv1.CharacterClass_CHARACTER_CLASS_IP_ADDRESS
	)
	cases := []struct {
		class  farmhoundv1.CharacterClass
		in     string
		length int
		want   string
	}{
		{printable, "  Dell \x1b[31mU27\x00 ", 64, "Dell [31mU27"},
		{printable, "öööö", 5, "öö"},
		{printable, "abc def", 4, "abc"},
		{printable, "a\xffb\u202ec", 64, "abc"},
		{printable, "abc", 0, ""},
		{token, "9.6p1 Ubuntu/3(x)", 64, "9.6p1Ubuntu/3x"},
		{address, "192.0.2.1", 45, "192.0.2.1"},
		{address, "192.0.2.1:22", 45, ""},
	}
	for _, c := range cases {
		got := Clean(c.class, c.in, c.length)
		if got != c.want {
			t.Errorf("Clean(%v, %q, %d) = %q, want %q", c.class, c.in, c.length, got, c.want)
		}
		if !Holds(c.class, got) {
			t.Errorf("%q is cleaned for %v and yet outside it", got, c.class)
		}
	}
}

// Whatever arrives, the validator neither panics nor shows raw control characters.
func FuzzValidate(f *testing.F) {
	seed, err := proto.Marshal(fullReport())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte{})
	f.Add([]byte("\x0a\x03\x1b[m"))
	validator := reportValidator(f)
	f.Fuzz(func(t *testing.T, wire []byte) {
		report := new(farmhoundv1.Report)
		if proto.Unmarshal(wire, report) != nil {
			return
		}
		err := validator.Validate(report)
		if err == nil {
			return
		}
		for _, r := range err.Error() {
			if r < ' ' || r > '~' {
				t.Errorf("error shows %q raw: %q", r, err.Error())
			}
		}
		if len(err.Error()) > 400 {
			t.Errorf("error of %d bytes: %q", len(err.Error()), err.Error())
		}
	})
}

func TestValidateAllocatesLittle(t *testing.T) {
	validator, report := reportValidator(t), fullReport()
	// The reflection API allocates a header for some lists it hands out.
	const most = 12
	if got := testing.AllocsPerRun(100, func() { _ = validator.Validate(report) }); got > most {
		t.Errorf("%.0f allocations for a report in order, more than %d", got, most)
	}
}

func BenchmarkValidate(b *testing.B) {
	validator, report := reportValidator(b), fullReport()
	b.ReportAllocs()
	for b.Loop() {
		if err := validator.Validate(report); err != nil {
			b.Fatal(err)
		}
	}
}
