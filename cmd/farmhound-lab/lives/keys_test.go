package lives

import (
	"bytes"
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/agent/delivery"
	"github.com/farmhound-security/farmhound/collector"
	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// hasher reports the network that a laptop is on, hashed with the keys of the last
// acknowledgement.
type hasher struct {
	t        *testing.T
	device   string
	client   farmhoundv1.IngestServiceClient
	keys     []*farmhoundv1.FleetKey
	nonce    []byte
	sequence uint64
}

// report reports one gateway and returns the ids of the keys that were acknowledged.
func (h *hasher) report(gateway byte) (ids []uint32) {
	h.t.Helper()
	ring, err := fleetkey.NewRing(h.keys)
	must(h.t, err)
	value := []byte{2, 0, 0, 0, 0, gateway}
	network := &farmhoundv1.Network{EarlierGateways: ring.Earlier(fleetkey.GatewayMAC, value)}
	network.GatewayHash, network.KeyId, _ = ring.Hash(fleetkey.GatewayMAC, value)
	h.sequence++
	ctx, cancel := context.WithTimeout(h.t.Context(), time.Minute)
	defer cancel()
	ack, err := h.client.Report(ctx, &farmhoundv1.ReportBatch{Nonce: h.nonce, Reports: []*farmhoundv1.Report{{
		BootId: "0123456789abcdef0123456789abcdef", Sequence: h.sequence, ObservedAt: timestamppb.Now(), Network: network,
	}}})
	must(h.t, err)
	h.keys, h.nonce = ack.GetPolicy().GetFleetKeys(), ack.GetNextNonce()
	for _, k := range h.keys {
		ids = append(ids, k.GetId())
	}
	return ids
}

func (s *site) picture(device string) (pic *fleetv1.Picture, moves int) {
	s.t.Helper()
	s.look(func(kept store.Store) {
		d, err := kept.Device(s.t.Context(), device)
		must(s.t, err)
		pic = d.Picture
	})
	told, _ := s.found(device, "network_changed", "")
	return pic, len(told)
}

// A new fleet key reaches laptops while the collector runs, makes their network no
// other one, and takes over from the one before.
func TestAFleetKeyIsReplacedUnderLaptops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.start()
		defer s.stop()
		l := newLaptop(s, 1)
		config, err := l.identity.ClientTLS()
		must(t, err)
		connection, err := delivery.Connect("192.0.2.1:443", config, s.dial)
		must(t, err)
		defer connection.Close()
		h := &hasher{t: t, device: l.identity.DeviceID(), client: farmhoundv1.NewIngestServiceClient(connection)}
		expect := func(gateway byte, want ...uint32) {
			t.Helper()
			time.Sleep(time.Minute)
			if got := h.report(gateway); !slices.Equal(got, want) {
				t.Errorf("acknowledged with the keys %v, want %v", got, want)
			}
		}
		expect(1, 1)
		expect(1, 1)
		before, _ := s.picture(h.device)

		s.look(func(kept store.Store) { // as the command line does
			_, err := collector.RotateFleetKey(t.Context(), kept, time.Now())
			must(t, err)
		})
		expect(1, 2, 1)
		expect(1, 2, 1)
		s.look(func(kept store.Store) {
			_, err := collector.RetireFleetKey(t.Context(), kept, 1, time.Now())
			must(t, err)
		})
		expect(1, 2)
		expect(1, 2)
		after, moves := s.picture(h.device)
		if len(after.GetNetworks()) != 1 || moves != 0 || !bytes.Equal(after.GetNetwork().GetGateway(), before.GetNetwork().GetGateway()) {
			t.Errorf("after a new key: %d networks, %d moves", len(after.GetNetworks()), moves)
		}
		if before.GetFleetKey() != 1 || after.GetFleetKey() != 2 {
			t.Errorf("hashed with the keys %d, then %d; want 1, then 2", before.GetFleetKey(), after.GetFleetKey())
		}
		expect(2, 2)
		if _, moves = s.picture(h.device); moves != 1 {
			t.Errorf("%d moves to another network, want 1", moves)
		}
	})
}
