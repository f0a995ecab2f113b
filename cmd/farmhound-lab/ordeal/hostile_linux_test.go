package ordeal

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// mostMemory is what a collector may need, whatever is sent, in bytes resident.
const mostMemory = 256 << 20

// attack is something that no agent does; it returns what is not as it should be.
type attack struct {
	name string
	do   func(*intruder) error
}

var attacks = []attack{
	{"garbage on the port", garbage},
	{"TLS 1.0", oldTLS},
	{"10 GB in three messages", func(i *intruder) error { return i.endless(math.MaxUint32, false, codes.ResourceExhausted) }},
	{"10 GB in small messages", func(i *intruder) error { return i.endless(1<<10, false, codes.Internal) }},
	{"10 GB from a stranger", func(i *intruder) error { return i.endless(math.MaxUint32, true, codes.ResourceExhausted) }},
	{"a decompression bomb", bomb},
	{"a batch over the limit", func(i *intruder) error {
		b := i.batch()
		for s := range uint64(257) {
			b.Reports = append(b.Reports, i.batch(s+1).GetReports()...)
		}
		return want(i.send(b), codes.InvalidArgument, "more than 256")
	}},
	{"invalid UTF-8", func(i *intruder) error {
		wire, err := proto.Marshal(i.batch(1))
		if err != nil {
			return err
		}
		return want(i.sendRaw(bytes.Replace(wire, []byte(i.boot[:2]), []byte{0xc3, 0x28}, 1)), codes.InvalidArgument, "invalid UTF-8")
	}},
	{"strings of 10 MB", func(i *intruder) error {
		b := i.batch(1)
		b.GetReports()[0].System = &farmhoundv1.System{Hostname: strings.Repeat("A", 10<<20)}
		return want(i.send(b), codes.ResourceExhausted, "larger than max")
	}},
	{"strings of 3 MB", func(i *intruder) error {
		b := i.batch(1)
		b.GetReports()[0].System = &farmhoundv1.System{Hostname: strings.Repeat("A", 3<<20)}
		return want(i.send(b), codes.InvalidArgument, "hostname: is 3145728 bytes long, longer than")
	}},
	{"unknown fields", func(i *intruder) error {
		b := i.batch(1)
		b.GetReports()[0].ProtoReflect().SetUnknown(protowire.AppendString(protowire.AppendTag(nil, 1999, protowire.BytesType), strings.Repeat("?", 1<<20)))
		return i.send(b) // from a newer agent
	}},
	{"nesting without end", func(i *intruder) error {
		wire := bytes.Repeat(protowire.AppendTag(nil, 15, protowire.StartGroupType), 1<<20)
		return want(i.sendRaw(wire), codes.InvalidArgument, "cannot be read")
	}},
	{"sequences going backwards", func(i *intruder) error {
		return errors.Join(
			want(i.send(i.batch(5, 4)), codes.InvalidArgument, "4 after 5"),
			want(i.send(i.batch(6, 6)), codes.InvalidArgument, "6 after 6"),
			want(i.send(i.batch(0)), codes.InvalidArgument, "0 after 0"),
			want(i.send(i.batch(1<<63)), codes.InvalidArgument, "beyond"),
			i.send(i.batch(7)), i.send(i.batch(2, 3)))
	}},
	{"clocks ten years off", func(i *intruder) error {
		past, future := i.batch(8), i.batch(9)
		past.GetReports()[0].ObservedAt = timestamppb.New(time.Now().AddDate(-10, 0, 0))
		future.GetReports()[0].ObservedAt = timestamppb.New(time.Now().AddDate(10, 0, 0))
		return errors.Join(i.send(past), i.send(future), i.send(i.batch(10)))
	}},
	{"calls that are never finished", func(i *intruder) error { return i.hold(false, 4) }},
	{"calls of strangers that are never finished", func(i *intruder) error { return i.hold(true, 16) }},
	{"everything that is let through, at once", flood},
}

// TestHostile sends the collector what no agent does while others report to it.
// Each is refused in words, costs little memory, and holds up nobody else.
func TestHostile(t *testing.T) {
	t.Parallel()
	c := newCollector(t, t.TempDir())
	c.serve()
	neighbours := newAgents(t, c, 5)
	for _, a := range neighbours {
		must(t, a.start(100*time.Millisecond))
	}
	eventually(t, "everybody reports", func() bool { return everyone(neighbours, 1) })
	for n, a := range attacks {
		i := newIntruder(t, c, fmt.Sprint("INTRUDER-", n))
		c.forgetPeak()
		before := make([]int, len(neighbours))
		for k, neighbour := range neighbours {
			before[k] = neighbour.ledger.acknowledged()
		}
		began := time.Now()
		if err := a.do(i); err != nil {
			t.Errorf("%s: %v", a.name, err)
		}
		took := time.Since(began).Round(time.Millisecond)
		for k, neighbour := range neighbours {
			eventually(t, neighbour.name+" reports beside "+a.name, func() bool { return neighbour.ledger.acknowledged() > before[k] })
		}
		peak := c.peak()
		t.Logf("%-40s %8v, the collector's memory at most %d MiB", a.name, took, peak>>20)
		if peak > mostMemory {
			t.Errorf("%s: the collector needed %d MiB", a.name, peak>>20)
		}
		if c.ended() {
			t.Fatalf("%s: the collector ended", a.name)
		}
	}
	for _, a := range neighbours {
		a.kill()
		if strings.Contains(a.said.String(), "reports stay in the spool") {
			t.Errorf("%s was held up:\n%s", a.name, a.said)
		}
	}
	if strings.Contains(c.said.String(), "panicked") {
		t.Error("something panicked")
	}
	c.kill()
	audit(t, c, neighbours)
}

// want says whether an error is a refusal of a kind, in words.
func want(err error, code codes.Code, words string) error {
	if status.Code(err) == code && strings.Contains(status.Convert(err).Message(), words) {
		return nil
	}
	return fmt.Errorf("got %v, want %v with %q", err, code, words) //nolint:errorlint // nothing is wrapped: it may be nil, which is then what is wrong
}

// garbage sends no TLS, on many connections.
func garbage(i *intruder) error {
	noise := make([]byte, 64<<10)
	_, _ = rand.Read(noise) // never fails
	for n := range 100 {
		conn, err := net.Dial("tcp", i.collector.address)
		if err != nil {
			return err
		}
		bytes := [][]byte{noise, []byte("GET / HTTP/1.1\r\n\r\n"), {0x16, 3, 1, 0xff, 0xff}, make([]byte, 1000)}[n%4]
		_, _ = conn.Write(bytes) // it may be cut off in the middle
		if n%4 != 2 {            // a hello that never ends is cut off after a while
			_ = conn.SetReadDeadline(time.Now().Add(patience))
			if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
				return errors.New("the connection stays open")
			}
			_ = conn.Close()
		} else {
			i.t.Cleanup(func() { _ = conn.Close() })
		}
	}
	return nil
}

func oldTLS(i *intruder) error {
	dialer := tls.Dialer{Config: &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10, InsecureSkipVerify: true}}
	conn, err := dialer.DialContext(i.t.Context(), "tcp", i.collector.address)
	if err == nil {
		_ = conn.Close()
		return errors.New("TLS 1.0 was spoken")
	}
	if !strings.Contains(err.Error(), "protocol version") {
		return fmt.Errorf("refused with %w", err)
	}
	return nil
}

// messages is a body of messages, each of an announced length, up to a total.
type messages struct {
	length, most int
	left         int // of the present one
	// sent may be looked at while the body is still on its way.
	sent atomic.Int64
	// atEnd is called instead of ending, where it is set.
	atEnd func() error
}

func (m *messages) Read(p []byte) (int, error) {
	sent := int(m.sent.Load())
	if sent >= m.most {
		if m.atEnd != nil {
			return 0, m.atEnd()
		}
		return 0, io.EOF
	}
	p = p[:min(len(p), m.most-sent)]
	n := 0
	if m.left == 0 {
		n = copy(p, binary.BigEndian.AppendUint32([]byte{0}, uint32(m.length)))
		m.left = m.length
	}
	zeroes := min(len(p)-n, m.left)
	clear(p[n : n+zeroes])
	m.left -= zeroes
	m.sent.Add(int64(n + zeroes))
	return n + zeroes, nil
}

// endless sends 10 GB, in messages of a length, unless it is cut off, which must be soon.
func (i *intruder) endless(length int, stranger bool, code codes.Code) error {
	ctx, cancel := context.WithTimeout(i.t.Context(), patience)
	defer cancel()
	body := &messages{length: length, most: 10_000_000_000}
	err := i.post(ctx, body, "", stranger)
	sent := body.sent.Load()
	i.t.Logf("cut off after %d bytes: %v", sent, err)
	if sent > 8<<20 {
		err = fmt.Errorf("%d bytes were taken: %w", sent, err)
	}
	return want(err, code, "")
}

// bomb sends an eighth of a megabyte that unpacks to an eighth of a gigabyte.
func bomb(i *intruder) error {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	block := make([]byte, 1<<20)
	for range 128 {
		if _, err := w.Write(block); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	body := binary.BigEndian.AppendUint32([]byte{1}, uint32(packed.Len()))
	body = append(body, packed.Bytes()...)
	for range 20 {
		if err := want(i.post(i.t.Context(), bytes.NewReader(body), "gzip", false), codes.ResourceExhausted, "larger than max"); err != nil {
			return err
		}
	}
	return nil
}

// hold begins 200 calls, each over a connection of its own, and sends all of a
// message of 4 MB but the last byte. All but a few must be turned away at once.
func (i *intruder) hold(stranger bool, places int) error {
	ctx, giveUp := context.WithTimeout(i.t.Context(), patience)
	defer giveUp()
	const calls = 200
	answers := make(chan error, calls)
	var group sync.WaitGroup
	defer group.Wait()
	for range calls {
		group.Go(func() {
			body := &messages{length: 4<<20 - 1, most: 4<<20 + 3, atEnd: func() error {
				<-ctx.Done()
				return ctx.Err()
			}}
			answers <- i.post(ctx, body, "", stranger)
		})
	}
	for range calls - places {
		if err := want(<-answers, codes.ResourceExhausted, "too many calls at a time"); err != nil {
			giveUp()
			return err
		}
	}
	giveUp()
	return nil
}

// flood delivers as much as it can until it is asked to come back.
func flood(i *intruder) error {
	for sequence := uint64(1); sequence < 100_000; sequence += 256 {
		b := i.batch()
		for s := range uint64(256) {
			b.Reports = append(b.Reports, i.batch(sequence+s).GetReports()...)
		}
		err := i.send(b)
		if status.Code(err) == codes.ResourceExhausted {
			return want(err, codes.ResourceExhausted, "more than a laptop observes")
		}
		if err != nil {
			return err
		}
	}
	return errors.New("100,000 reports were taken at once")
}

// peak is the most memory resident since forgetPeak, in bytes.
func (c *collector) peak() int {
	c.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	must(c.t, err)
	_, after, _ := strings.Cut(string(text), "VmHWM:")
	var kib int
	if _, err := fmt.Sscan(after, &kib); err != nil {
		c.t.Fatalf("read the collector's memory: %v", err)
	}
	return kib << 10
}

func (c *collector) forgetPeak() {
	c.t.Helper()
	must(c.t, os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", c.cmd.Process.Pid), []byte("5"), 0o200))
}
