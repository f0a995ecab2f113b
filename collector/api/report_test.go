package api_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/farmhound-security/farmhound/collector/api"
	"github.com/farmhound-security/farmhound/collector/fleet"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

func TestReportsOfAnEnrolledLaptopAreCommittedAndAcknowledged(t *testing.T) {
	t.Parallel()
	c := start(t)
	l := c.enrolled(t)
	ack, err := l.send(batchOf(3, 4, 9))
	must(t, err)
	if ack.GetBootId() != bootID || ack.GetSequence() != 9 || string(ack.GetNextNonce()) != "after " ||
		!ack.GetCollectorTime().AsTime().Equal(received) || !ack.GetPolicy().GetScanNow() {
		t.Errorf("acknowledged %v", ack)
	}
	if got := string(ack.GetNeighbourCandidates()); got != l.id[:3] {
		t.Errorf("the laptop is to look for %q, want what there is for it", got)
	}
	next := batchOf(10)
	next.Nonce = []byte("a nonce")
	again, err := l.send(next)
	must(t, err)
	if string(again.GetNextNonce()) != "after a nonce" {
		t.Errorf("the next nonce is %q", again.GetNextNonce())
	}
	batches := c.commit.committed()
	if len(batches) != 2 || len(batches[0]) != 3 {
		t.Fatalf("committed %v", batches)
	}
	identity, err := c.store.Identity(t.Context(), l.id)
	must(t, err)
	got := batches[0][2]
	want := fleet.Observation{Device: l.id, Serial: "PF-1", EnrolledAt: identity.EnrolledAt, ReceivedAt: received}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(fleet.Observation{}, "Peer", "PeerRTTMillis", "PeerMSS", "Report")); diff != "" {
		t.Error(diff)
	}
	if got.Report.GetSequence() != 9 || got.Peer.Addr().String() != "127.0.0.1" || got.Peer.Port() == 0 {
		t.Errorf("sequence %d from %v", got.Report.GetSequence(), got.Peer)
	}
}

func TestInvalidBatchesAreRefusedWhole(t *testing.T) {
	t.Parallel()
	c := start(t)
	l := c.enrolled(t)
	changed := func(change func(*farmhoundv1.ReportBatch)) *farmhoundv1.ReportBatch {
		batch := batchOf(1, 2)
		change(batch)
		return batch
	}
	many := make([]uint64, 257)
	for i := range many {
		many[i] = uint64(i) + 1
	}
	for words, batch := range map[string]*farmhoundv1.ReportBatch{
		"reports: there is none":              {},
		"reports: has 257 items":              batchOf(many...),
		"reports[1].sequence: 1 after 1":      batchOf(1, 1),
		"reports[1].sequence: 1 after 2":      batchOf(2, 1),
		"reports[0].sequence: 0 after 0":      batchOf(0),
		"reports[0].sequence: beyond":         batchOf(math.MaxInt64 + 1),
		"reports[1].boot_id: another":         changed(func(b *farmhoundv1.ReportBatch) { b.Reports[1].BootId = strings.Repeat("a", 32) }),
		"reports[1].boot_id":                  changed(func(b *farmhoundv1.ReportBatch) { b.Reports[1].BootId = "\x1b[31m no boot id" }),
		"reports[0].observed_at: is required": changed(func(b *farmhoundv1.ReportBatch) { b.Reports[0].ObservedAt = nil }),
		"nonce: is 33 bytes long":             changed(func(b *farmhoundv1.ReportBatch) { b.Nonce = make([]byte, 33) }),
		"reports[1].system.hostname: is 65": changed(func(b *farmhoundv1.ReportBatch) {
			b.Reports[1].System = &farmhoundv1.System{Hostname: strings.Repeat("x", 65)}
		}),
		"reports[0].health": changed(func(b *farmhoundv1.ReportBatch) { b.Reports[0].Health = &farmhoundv1.Health{CpuSeconds: math.NaN()} }),
	} {
		_, err := l.send(batch)
		refused(t, err, codes.InvalidArgument, words)
		if strings.ContainsAny(status.Convert(err).Message(), "\x1b\n") {
			t.Errorf("control characters in %q", err)
		}
	}
	if got := c.commit.committed(); len(got) != 0 {
		t.Errorf("committed %v", got)
	}
}

func TestWhatFailsAtTheCollectorCanBeTriedAgain(t *testing.T) {
	t.Parallel()
	c := start(t)
	l := c.enrolled(t)
	c.commit.set(func() { c.commit.err = errors.New("disk /secret/path is full") })
	err := l.report()
	refused(t, err, codes.Unavailable, "could not store the reports")
	if strings.Contains(err.Error(), "/secret/path") {
		t.Error("the laptop was told what is the log's")
	}
	c.commit.set(func() { c.commit.err = status.Error(codes.ResourceExhausted, "too much at a time") })
	refused(t, l.report(), codes.ResourceExhausted, "too much at a time")
	c.commit.set(func() { c.commit.err = context.DeadlineExceeded })
	refused(t, l.report(), codes.Unavailable, "could not store the reports")
	c.commit.set(func() { c.commit.err, c.commit.panics = nil, true })
	refused(t, l.report(), codes.Internal, "failed inside the collector")
	c.commit.set(func() { c.commit.panics = false })
	must(t, l.report())
}

func TestOversizedMessagesAreNotTaken(t *testing.T) {
	t.Parallel()
	c := start(t)
	l := c.enrolled(t)
	// Five megabytes of zeroes compress to a few thousand bytes.
	_, err := l.send(&farmhoundv1.ReportBatch{Nonce: make([]byte, 5<<20)})
	refused(t, err, codes.ResourceExhausted, "larger than max")
	must(t, l.report())
}

func TestCatalogByDigest(t *testing.T) {
	t.Parallel()
	c := start(t)
	client := farmhoundv1.NewIngestServiceClient(c.enrolled(t).current())
	got, err := client.Catalog(t.Context(), &farmhoundv1.CatalogRequest{Digest: catalog.BuiltIn().Digest()})
	must(t, err)
	if catalog.Digest(got.GetCatalog()) != catalog.BuiltIn().Digest() {
		t.Error("another catalogue than the digest's")
	}
	_, err = client.Catalog(t.Context(), &farmhoundv1.CatalogRequest{Digest: strings.Repeat("0", 64)})
	refused(t, err, codes.NotFound, "no catalogue")
	_, err = client.Catalog(t.Context(), &farmhoundv1.CatalogRequest{Digest: "../../etc/passwd"})
	refused(t, err, codes.InvalidArgument, "digest")
}

// A catalogue that changes is the one that is served from then on, with the key that
// signs it; the key comes with renewals too.
func TestCatalogThatChanges(t *testing.T) {
	t.Parallel()
	c := start(t)
	l := c.enrolled(t)
	client := farmhoundv1.NewIngestServiceClient(l.current())
	for _, name := range []string{"first", "second"} {
		now := &api.SignedCatalog{Encoded: []byte(name), Signature: []byte("signature of the " + name), PublicKey: []byte("key of the " + name)}
		c.catalog.Store(now)
		got, err := client.Catalog(t.Context(), &farmhoundv1.CatalogRequest{Digest: catalog.Digest(now.Encoded)})
		must(t, err)
		if string(got.GetCatalog()) != name || !bytes.Equal(got.GetSignature(), now.Signature) || !bytes.Equal(got.GetPublicKey(), now.PublicKey) {
			t.Errorf("%s: %v", name, got)
		}
		renewed, err := farmhoundv1.NewEnrollmentServiceClient(l.current()).Renew(t.Context(), &farmhoundv1.RenewRequest{Csr: l.csr()})
		must(t, err)
		if !bytes.Equal(renewed.GetCatalogPublicKey(), now.PublicKey) {
			t.Errorf("%s: the renewal brings the key %q", name, renewed.GetCatalogPublicKey())
		}
	}
	_, err := client.Catalog(t.Context(), &farmhoundv1.CatalogRequest{Digest: catalog.Digest([]byte("first"))})
	refused(t, err, codes.NotFound, "no catalogue")
}
