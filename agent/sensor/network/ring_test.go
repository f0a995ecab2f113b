package network

import (
	"bytes"
	"testing"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

func ring(t testing.TB) fleetkey.Ring {
	t.Helper()
	keys, err := fleetkey.NewRing([]*farmhoundv1.FleetKey{{Id: 3, Key: bytes.Repeat([]byte{7}, fleetkey.KeySize)}})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}
